"""referrals: see tables.py of the feature."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import insert_first, remove_kind

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
TABLES = """
CREATE TABLE referral_code (
  code text COLLATE "C" PRIMARY KEY,
  customer_id uuid NOT NULL,
  made_at timestamptz NOT NULL,
  is_own boolean NOT NULL DEFAULT true,
  UNIQUE (customer_id, code),
  CONSTRAINT referral_code_own EXCLUDE USING btree (customer_id WITH =) WHERE (is_own)
);
CREATE TABLE referral (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  friend_id uuid NOT NULL,
  claimed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  matures_at timestamptz,
  decided_at timestamptz NOT NULL,
  order_uid uuid,
  is_accepted boolean NOT NULL,
  code text NOT NULL,
  rule text NOT NULL,
  status text COLLATE "C" NOT NULL CONSTRAINT referral_status
    CHECK (status IN ('claimed', 'converted', 'rewarded', 'rejected')),
  reason text COLLATE "C",
  order_id text,
  event_id text,
  CONSTRAINT referral_reason CHECK ((status = 'rejected') = (reason IS NOT NULL)),
  CONSTRAINT referral_order CHECK (
    (status IN ('converted', 'rewarded')) <= (order_uid IS NOT NULL AND matures_at IS NOT NULL)),
  CONSTRAINT referral_one_a_friend EXCLUDE USING btree (friend_id WITH =) WHERE (is_accepted),
  UNIQUE (customer_id, id),
  UNIQUE (friend_id, id)
);
CREATE TABLE referral_twin (
  first_id uuid NOT NULL,
  second_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (first_id, second_id),
  UNIQUE (second_id, first_id),
  CONSTRAINT referral_twin_order CHECK (first_id < second_id)
);
"""
FIRST = {
    "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
    "attribution_days": 30,
    "return_days": 15,
    "order_least_minor": {"CNY": 100, "USD": 100, "GBP": 100},
    "known_days": 30,
    "friends_max": 20,
    "friends_days": 30,
    "referrer": {"account_type": "points", "points": 100},
    "friend": {"account_type": "points", "points": 50},
}
OWNED = ["referral_code", "referral"]


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=[*OWNED, "referral_twin"])
    kit.customer_rows(op, service=SERVICE, tables=OWNED)
    insert_first(op, "referral_programme", "friends", FIRST)


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'referral'")
    remove_kind(op, "referral_programme")
    for table in ("referral_twin", *reversed(OWNED)):
        op.drop_table(table)
