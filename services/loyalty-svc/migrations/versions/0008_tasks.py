"""tasks: see tables.py of the feature."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import insert_first, remove_kind

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
OWNED = ["task_fact", "task_progress"]
TABLES = """
CREATE TABLE task_fact (
  fact_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  kept_minor bigint,
  day date NOT NULL,
  counts boolean NOT NULL,
  task text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  currency text,
  event_id text NOT NULL,
  PRIMARY KEY (fact_id, task, step)
);
CREATE INDEX task_fact_of_customer ON task_fact (customer_id, task, period);
CREATE TABLE task_progress (
  customer_id uuid NOT NULL,
  gift_id uuid UNIQUE,
  completed_at timestamptz,
  withdrawn_at timestamptz,
  points bigint,
  code_id uuid,
  task text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  rule text,
  account_type text,
  coupon text,
  badge text,
  event_id text,
  done jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (customer_id, task, period),
  CONSTRAINT task_progress_completed CHECK (
    (gift_id IS NULL) = (completed_at IS NULL) AND (gift_id IS NULL) = (rule IS NULL)),
  CONSTRAINT task_progress_points CHECK ((points IS NULL) = (account_type IS NULL) AND points > 0)
);
"""
# It counts what members do, not what they buy, and nothing that becomes known more than a week late: a history that is
# loaded earns nothing by it.
CHECK_IN = {
    "names": {"zh-CN": "连续签到七天", "en": "Check in seven days running"},
    "steps": [
        {
            "code": "check-in",
            "names": {"zh-CN": "每天签到", "en": "Check in every day"},
            "on": "customer.activity_recorded",
            "condition": {
                "combinator": "and",
                "rules": [{"field": "name", "operator": "=", "value": "check_in"}],
            },
            "target": {"kind": "streak", "days": 7},
        }
    ],
    "every": "month",
    "late_days": 7,
    "reward": {"kind": "points", "account_type": "points", "points": 20},
    "badge": {"code": "regular", "names": {"zh-CN": "常客", "en": "Regular"}},
}


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=OWNED)
    kit.customer_rows(op, service=SERVICE, tables=OWNED)
    insert_first(op, "task", "check-in-week", CHECK_IN)


def downgrade() -> None:
    remove_kind(op, "task")
    for table in reversed(OWNED):
        op.drop_table(table)
