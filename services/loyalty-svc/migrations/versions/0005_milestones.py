"""milestones: see tables.py of the feature."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import insert_first, remove_kind

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
TABLES = """
CREATE TABLE milestone_reached (
  customer_id uuid NOT NULL,
  plan text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  gift_id uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL,
  withdrawn_at timestamptz,
  points bigint CONSTRAINT milestone_reached_points CHECK (points > 0),
  code_id uuid,
  by_orders text,
  rule text NOT NULL,
  account_type text,
  coupon text,
  event_id text NOT NULL,
  CONSTRAINT milestone_reached_gift CHECK (
    (points IS NULL) = (account_type IS NULL) AND (points IS NULL) <> (coupon IS NULL)),
  PRIMARY KEY (customer_id, plan, period)
);
"""
# Both give on days that customer-svc announces as they come, so nothing that was loaded as history gets a gift.
FIRST = {
    "birthday-gift": {
        "names": {"zh-CN": "生日礼", "en": "Birthday gift"},
        "trigger": {"kind": "occasion", "occasion": "birthday", "days_ahead": 0},
        "once": "year",
        "gift": {"kind": "points", "account_type": "points", "points": 50},
    },
    "anniversary-gift": {
        "names": {"zh-CN": "会员周年礼", "en": "Anniversary gift"},
        "trigger": {"kind": "occasion", "occasion": "anniversary", "days_ahead": 0},
        "once": "year",
        "gift": {"kind": "points", "account_type": "points", "points": 50},
    },
}


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=["milestone_reached"])
    kit.customer_rows(op, service=SERVICE, tables=["milestone_reached"])
    for code, document in FIRST.items():
        insert_first(op, "milestone", code, document)


def downgrade() -> None:
    remove_kind(op, "milestone")
    op.drop_table("milestone_reached")
