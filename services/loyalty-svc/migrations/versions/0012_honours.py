"""Honours: who holds which, by whom and why."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import insert_first, remove_kind

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
TABLES = """
CREATE TABLE honour_holding (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  given_at timestamptz NOT NULL,
  valid_until timestamptz,
  ended_at timestamptz,
  is_by_rule boolean NOT NULL,
  is_barred boolean NOT NULL,
  honour text COLLATE "C" NOT NULL,
  rule text NOT NULL,
  given_by text NOT NULL,
  reason text,
  event_id text,
  ended_by text,
  end_reason text,
  CONSTRAINT honour_holding_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
  CONSTRAINT honour_holding_reason CHECK (is_by_rule OR reason IS NOT NULL),
  CONSTRAINT honour_holding_barred CHECK (NOT is_barred OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX honour_holding_standing ON honour_holding (customer_id, honour) WHERE ended_at IS NULL;
CREATE INDEX honour_holding_of_customer ON honour_holding (customer_id, id);
CREATE INDEX honour_holding_of_honour ON honour_holding (honour, id);
"""
# Given by hand: none of them has a condition, so nobody is honoured before somebody decides so.
FIRST = {
    "star-customer": {
        "names": {"zh-CN": "明星客户", "en": "Star customer"},
        "told": {
            "zh-CN": "感谢您一路相伴，您是我们的明星客户。",
            "en": "Thank you for being with us all this way: you are a star customer.",
        },
    },
    "co-creator": {
        "names": {"zh-CN": "共创者", "en": "Co-creator"},
        "told": {
            "zh-CN": "您的建议让我们变得更好，谢谢您与我们共创。",
            "en": "Your ideas made us better: thank you for creating with us.",
        },
    },
    "advocate": {
        "names": {"zh-CN": "推荐大使", "en": "Advocate"},
        "told": {
            "zh-CN": "感谢您把我们推荐给身边的人。",
            "en": "Thank you for telling others about us.",
        },
    },
}


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=["honour_holding"])
    kit.customer_rows(op, service=SERVICE, tables=["honour_holding"])
    for code, document in FIRST.items():
        insert_first(op, "honour", code, document)


def downgrade() -> None:
    remove_kind(op, "honour")
    op.drop_table("honour_holding")
