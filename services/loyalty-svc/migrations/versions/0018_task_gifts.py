"""Tasks of those who were one and part again: whose facts and completions were; completions beside the one that stands."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
MOVED = ("task_fact", "task_progress")
GIFTS = """
CREATE TABLE task_gift (
  gift_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  origin_id uuid,
  completed_at timestamptz NOT NULL,
  points bigint,
  code_id uuid,
  task text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  rule text NOT NULL,
  account_type text,
  coupon text,
  badge text,
  event_id text
);
CREATE INDEX task_gift_of_customer ON task_gift (customer_id, task, period);
"""


def upgrade() -> None:
    kit.run_script(op, GIFTS)
    kit.grant(op, service=SERVICE, tables=["task_gift"])
    kit.customer_rows(op, service=SERVICE, tables=["task_gift"])
    kit.keep_origins(op, *MOVED)


def downgrade() -> None:
    kit.forget_origins(op, *MOVED)
    op.drop_table("task_gift")
