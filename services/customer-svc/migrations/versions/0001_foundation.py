"""Foundation: who is who, their files, orders, consents, timelines, and every fact that was taken."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Rows that change with every order leave room on their page, so that the new version needs no new index entries.
TABLES = """
CREATE TABLE identifier (
  value text NOT NULL CHECK (value <> ''),
  kind text NOT NULL,
  system text NOT NULL,
  customer_id uuid NOT NULL,
  strong boolean NOT NULL,
  added_at timestamptz NOT NULL,
  PRIMARY KEY (value, kind, system),
  CONSTRAINT identifier_one_space CHECK (kind NOT IN ('phone', 'email', 'wechat_unionid') OR system = '')
);
CREATE INDEX identifier_of_customer ON identifier (customer_id);
CREATE UNIQUE INDEX identifier_one_strong ON identifier (customer_id, system, kind) WHERE strong;
CREATE TABLE merge (
  from_id uuid PRIMARY KEY,
  into_id uuid NOT NULL CHECK (into_id <> from_id),
  at timestamptz NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  before jsonb NOT NULL
);
CREATE TABLE merge_proposal (
  first_id uuid NOT NULL,
  second_id uuid NOT NULL,
  at timestamptz NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  PRIMARY KEY (first_id, second_id),
  CHECK (first_id < second_id)
);
CREATE TABLE timeline (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  event_id text NOT NULL,
  order_uid uuid,
  data jsonb NOT NULL
);
CREATE INDEX timeline_of_customer ON timeline (customer_id, at DESC, id DESC);
CREATE TABLE profile (
  customer_id uuid PRIMARY KEY,
  name text,
  gender text CHECK (gender IN ('female', 'male', 'other', 'unknown')),
  birthday text,
  locale text,
  zone text,
  emails text[] NOT NULL DEFAULT '{}',
  phones text[] NOT NULL DEFAULT '{}',
  owner_id text,
  stamps jsonb NOT NULL DEFAULT '{}',
  folded_name text NOT NULL DEFAULT '',
  grams text[] NOT NULL DEFAULT '{}',
  first_seen_at timestamptz NOT NULL,
  orders_count bigint NOT NULL DEFAULT 0 CHECK (orders_count >= 0),
  spent jsonb NOT NULL DEFAULT '{}',
  first_order_at timestamptz,
  last_order_at timestamptz,
  version bigint NOT NULL DEFAULT 0,
  CONSTRAINT profile_order_instants CHECK (
    (orders_count = 0) = (first_order_at IS NULL) AND (orders_count = 0) = (last_order_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX profile_grams ON profile USING gin (grams);
CREATE TABLE consent (
  customer_id uuid NOT NULL,
  purpose text NOT NULL,
  channel text NOT NULL,
  status text NOT NULL CHECK (status IN ('granted', 'denied', 'revoked')),
  evidence text,
  at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, purpose, channel)
);
CREATE TABLE customer_order (
  order_uid uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  source text NOT NULL,
  order_id text NOT NULL,
  at timestamptz NOT NULL,
  status text NOT NULL
    CHECK (status IN ('expected', 'placed', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
  currency text CHECK (length(currency) = 3),
  total_minor bigint CHECK (total_minor >= 0),
  refunded_minor bigint NOT NULL CHECK (refunded_minor >= 0),
  lines jsonb NOT NULL,
  channel text,
  placed_at timestamptz,
  paid_at timestamptz,
  shipped_at timestamptz,
  delivered_at timestamptz,
  delayed_at timestamptz,
  promised_at timestamptz,
  cancelled_at timestamptz,
  refunds jsonb NOT NULL,
  named_by text,
  CONSTRAINT order_paid_whole CHECK (paid_at IS NULL OR (currency IS NOT NULL AND total_minor IS NOT NULL)),
  CONSTRAINT order_has_one_owner CHECK ((paid_at IS NULL) = (named_by IS NOT NULL))
) WITH (fillfactor = 90);
CREATE INDEX order_of_customer ON customer_order (customer_id, at DESC, order_uid DESC);
CREATE TABLE fact (
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  customer_id uuid,
  order_uid uuid,
  data jsonb,
  PRIMARY KEY (source, event_id)
);
CREATE INDEX fact_of_customer ON fact (customer_id);
"""
OWNED = ["identifier", "timeline", "profile", "consent", "customer_order"]
INTERNAL = ["merge", "merge_proposal", "fact"]


def upgrade() -> None:
    kit.create_kit_tables(op, service="customer", customers=True)
    kit.run_script(op, TABLES)
    kit.grant(op, service="customer", tables=OWNED + INTERNAL)
    kit.customer_rows(op, service="customer", tables=OWNED)


def downgrade() -> None:
    for table in reversed(OWNED + INTERNAL):
        op.drop_table(table)
    kit.drop_kit_tables(op, customers=True)
