"""Milestones and referrals: orders that earned nothing are found, and the second gift of two who became one is kept.

The index holds orders that earned nothing and no others, so that those that earn pay nothing for it. It is made first
and commits by itself: cut off, it is done again. The second gift was dropped before, and nobody took it back.
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


INDEX = """
CREATE INDEX CONCURRENTLY order_earning_unrewarded ON order_earning (customer_id)
WHERE earned = 0 AND customer_id IS NOT NULL
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX IF EXISTS order_earning_unrewarded")
        op.execute(INDEX)
    kit.run_script(op, TABLE)
    kit.grant(op, service=SERVICE, tables=["milestone_second"])


def downgrade() -> None:
    op.drop_table("milestone_second")
    op.execute("DROP INDEX order_earning_unrewarded")
