"""Coupons: pools of codes, their uses, and the coupon that a new installation starts with."""

from alembic import op

from moat.kit import documents
from moat.kit.db import migrations as kit

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
CODES = """
CREATE TABLE coupon_pool (
  id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL,
  ready_at timestamptz,
  withdrawn_at timestamptz,
  wanted bigint NOT NULL,
  made bigint NOT NULL,
  uses bigint NOT NULL,
  version integer NOT NULL,
  coupon text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CONSTRAINT coupon_pool_kind
    CHECK (kind IN ('generated', 'imported', 'public', 'personal')),
  name text NOT NULL,
  prefix text COLLATE "C" NOT NULL,
  author text NOT NULL,
  CONSTRAINT coupon_pool_counts CHECK (made BETWEEN 0 AND wanted AND uses >= 0),
  CONSTRAINT coupon_pool_ready CHECK ((ready_at IS NULL) = (made < wanted))
);
CREATE UNIQUE INDEX coupon_pool_personal ON coupon_pool (coupon, version) WHERE kind = 'personal';
CREATE TABLE coupon_code (
  id uuid PRIMARY KEY,
  pool_id uuid NOT NULL,
  customer_id uuid,
  issued_at timestamptz,
  expires_at timestamptz,
  withdrawn_at timestamptz,
  uses integer NOT NULL CONSTRAINT coupon_code_uses CHECK (uses >= 0),
  code text COLLATE "C" NOT NULL,
  issue_key text COLLATE "C",
  CONSTRAINT coupon_code_issued CHECK ((customer_id IS NULL) = (issued_at IS NULL))
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX coupon_code_once ON coupon_code (code);
CREATE UNIQUE INDEX coupon_code_issue ON coupon_code (issue_key) WHERE issue_key IS NOT NULL;
CREATE INDEX coupon_code_of_customer ON coupon_code (customer_id, id) WHERE customer_id IS NOT NULL;
CREATE INDEX coupon_code_of_pool ON coupon_code (pool_id, id);
CREATE INDEX coupon_code_free ON coupon_code (pool_id, id) WHERE customer_id IS NULL;
"""
USES = """
CREATE TABLE coupon_use (
  id uuid PRIMARY KEY,
  checkout_id uuid NOT NULL,
  code_id uuid NOT NULL,
  pool_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  reserved_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  redeemed_at timestamptz,
  ended_at timestamptz,
  goods_minor bigint NOT NULL,
  shipping_minor bigint NOT NULL,
  gift_quantity integer NOT NULL,
  version integer NOT NULL,
  state text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  coupon text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  order_id text,
  gift_sku text,
  reason text,
  CONSTRAINT coupon_use_state CHECK (
    (state = 'reserved' AND redeemed_at IS NULL AND ended_at IS NULL)
    OR (state = 'redeemed' AND redeemed_at IS NOT NULL AND ended_at IS NULL)
    OR (state = 'rolled_back' AND redeemed_at IS NOT NULL AND ended_at IS NOT NULL)
    OR (state IN ('released', 'timed_out') AND redeemed_at IS NULL AND ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX coupon_use_of_checkout ON coupon_use (checkout_id);
CREATE INDEX coupon_use_of_code ON coupon_use (code_id, id);
CREATE INDEX coupon_use_of_customer ON coupon_use (customer_id, id);
CREATE TABLE coupon_customer (
  customer_id uuid NOT NULL,
  uses integer NOT NULL CONSTRAINT coupon_customer_uses CHECK (uses >= 0),
  coupon text COLLATE "C" NOT NULL,
  PRIMARY KEY (customer_id, coupon)
) WITH (fillfactor = 80);
CREATE TABLE coupon_wrong_code (
  principal text COLLATE "C" PRIMARY KEY,
  began_at timestamptz NOT NULL,
  tries integer NOT NULL
);
"""
TABLES = ("coupon_pool", "coupon_code", "coupon_use", "coupon_customer", "coupon_wrong_code")
STARTING_COUPON = {
    "names": {"zh-CN": "满100减20", "en": "20 off from 100"},
    "benefit": {"kind": "amount_off", "currency": "CNY", "amount_minor": 2000},
    "condition": {"combinator": "and", "rules": [{"field": "total_minor", "operator": ">=", "value": 10000}]},
    "valid_days": 90,
}


def upgrade() -> None:
    for script in (CODES, USES):
        kit.run_script(op, script)
    kit.grant(op, service=SERVICE, tables=TABLES)
    kit.customer_rows(op, service=SERVICE, tables=["coupon_code", "coupon_use", "coupon_customer"])
    # A member's codes are read with the coupon that their pool is of.
    op.execute("GRANT SELECT ON coupon_pool TO loyalty_customer")
    documents.insert_first(op, "coupon", "twenty-off", STARTING_COUPON)


def downgrade() -> None:
    documents.remove_kind(op, "coupon")
    for table in reversed(TABLES):
        op.drop_table(table)
