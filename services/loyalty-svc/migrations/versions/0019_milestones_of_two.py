"""A gift that two had each been given before they turned out to be one is kept beside the other: it can be taken back.

It was dropped before, and nobody took it back.
"""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
TABLE = """
CREATE TABLE milestone_second (
  gift_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  origin_id uuid,
  plan text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  points bigint,
  code_id uuid,
  by_orders text,
  rule text NOT NULL,
  account_type text,
  coupon text,
  event_id text NOT NULL
);
CREATE INDEX milestone_second_of_customer ON milestone_second (customer_id, plan, period);
"""


def upgrade() -> None:
    kit.run_script(op, TABLE)
    kit.grant(op, service=SERVICE, tables=["milestone_second"])


def downgrade() -> None:
    op.drop_table("milestone_second")
