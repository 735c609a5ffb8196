"""Messages and templates, and the three templates that a new installation starts with."""

import json

from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE template (
  code text NOT NULL,
  version integer NOT NULL,
  status text NOT NULL CONSTRAINT template_status CHECK (status IN ('draft', 'published', 'retired')),
  texts jsonb NOT NULL,
  author text NOT NULL,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  CONSTRAINT template_published_at CHECK ((status = 'draft') = (published_at IS NULL)),
  PRIMARY KEY (code, version)
);
CREATE UNIQUE INDEX template_one_published ON template (code) WHERE status = 'published';
CREATE TABLE message (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  channel text NOT NULL CONSTRAINT message_channel CHECK (channel IN ('inbox', 'email')),
  template text NOT NULL,
  template_version integer NOT NULL,
  status text NOT NULL
    CONSTRAINT message_status CHECK (status IN ('sent', 'delivered', 'failed', 'suppressed', 'deferred')),
  reason text,
  subject_key text NOT NULL,
  cause jsonb NOT NULL,
  happened_at timestamptz NOT NULL,
  values jsonb NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  read_at timestamptz,
  CONSTRAINT message_reason CHECK ((status IN ('failed', 'suppressed')) <= (reason IS NOT NULL)),
  CONSTRAINT message_waiting CHECK ((status = 'deferred') = (next_attempt_at IS NOT NULL)),
  CONSTRAINT message_once UNIQUE (template, channel, subject_key)
);
CREATE INDEX message_customer ON message (customer_id, at, id);
CREATE INDEX message_waiting_at ON message (next_attempt_at) WHERE status = 'deferred';
"""

TEMPLATES = {
    "order_receipt": {
        "zh-CN": {
            "subject": "订单 {{ order_id }} 已付款",
            "body": "您好！\n\n我们已收到订单 {{ order_id }} 的付款 {{ total_minor | money(currency) }}。感谢您的惠顾。\n",
        },
        "en": {
            "subject": "Receipt for order {{ order_id }}",
            "body": "Hello,\n\nwe have received {{ total_minor | money(currency) }} for order {{ order_id }}. Thank you.\n",
        },
    },
    "risk_care": {
        "zh-CN": {
            "subject": "好久不见，一切都好吗？",
            "body": "您好！\n\n有一段时间没有见到您了。如果我们有什么做得不够好，请直接回复告诉我们，我们会认真处理。\n",
        },
        "en": {
            "subject": "We have not seen you for a while",
            "body": "Hello,\n\nit has been a while. If there is anything we could have done better, just reply: "
            "somebody will read it and act.\n",
        },
    },
    "tier_congratulations": {
        "zh-CN": {
            "subject": "恭喜您升级",
            "body": "您好！\n\n恭喜您成为{{ {'silver': '银卡', 'gold': '金卡', 'black': '黑金'}.get(tier, tier) }}会员。"
            "感谢您一路相伴。\n",
        },
        "en": {
            "subject": "Congratulations on your new tier",
            "body": "Hello,\n\nyou are now a {{ tier | capitalize }} member. Thank you for staying with us.\n",
        },
    },
}
PUBLISH = """
INSERT INTO template (code, version, status, texts, author, created_at, published_at)
VALUES ({code}, 1, 'published', {texts}, 'moat', now(), now())
"""


def upgrade() -> None:
    kit.create_kit_tables(op, service="notify", customers=True)
    kit.run_script(op, TABLES)
    kit.grant(op, service="notify", tables=["template", "message"])
    kit.customer_rows(op, service="notify", tables=["message"])
    op.execute("GRANT SELECT ON template TO notify_customer")
    for code, texts in TEMPLATES.items():
        document = json.dumps(texts, ensure_ascii=False).replace("'", "''")
        statement = PUBLISH.format(code=f"'{code}'", texts=f"'{document}'")
        op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    op.drop_table("message")
    op.drop_table("template")
    kit.drop_kit_tables(op, customers=True)
