"""Foundation: tickets with their history, and the rules by which events become tickets."""

import json

from alembic import op
from sqlalchemy import text

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SEQUENCE ticket_number;
CREATE TABLE ticket (
  id uuid PRIMARY KEY,
  number bigint NOT NULL UNIQUE,
  customer_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('question', 'complaint', 'after_sales', 'suggestion', 'follow_up')),
  channel text NOT NULL
    CHECK (channel IN ('phone', 'wechat', 'wecom', 'email', 'web', 'app', 'api', 'event')),
  priority text NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  body text NOT NULL CHECK (length(body) <= 20000),
  status text NOT NULL CHECK (status IN ('open', 'pending', 'solved', 'closed')),
  opened_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL CHECK (updated_at >= opened_at),
  solved_at timestamptz,
  closed_at timestamptz,
  resolution text CHECK (length(resolution) <= 20000),
  reason text,
  rule text,
  rule_version integer,
  entries_count integer NOT NULL CHECK (entries_count >= 1),
  CONSTRAINT ticket_solved CHECK (
    CASE status WHEN 'solved' THEN solved_at IS NOT NULL AND num_nonnulls(resolution, reason) > 0
                WHEN 'closed' THEN solved_at IS NOT NULL OR reason IS NOT NULL
                ELSE solved_at IS NULL AND resolution IS NULL END),
  CONSTRAINT ticket_closed CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
  CONSTRAINT ticket_rule_whole CHECK ((rule IS NULL) = (rule_version IS NULL))
);
CREATE INDEX ticket_of_customer ON ticket (customer_id, number DESC);
CREATE INDEX ticket_by_status ON ticket (status, number DESC);
CREATE UNIQUE INDEX ticket_one_open_per_rule ON ticket (customer_id, rule)
  WHERE rule IS NOT NULL AND status IN ('open', 'pending');
CREATE TABLE ticket_entry (
  id uuid PRIMARY KEY,
  ticket_id uuid NOT NULL REFERENCES ticket (id),
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('opened', 'replied', 'solved', 'closed', 'reopened')),
  actor_kind text NOT NULL CHECK (actor_kind IN ('staff', 'key', 'customer', 'system')),
  actor_id text,
  visibility text NOT NULL CHECK (visibility IN ('public', 'internal')),
  from_status text,
  to_status text,
  body text CHECK (length(body) <= 20000),
  reason text,
  cause text,
  CONSTRAINT ticket_entry_actor CHECK ((actor_kind = 'system') = (actor_id IS NULL)),
  CONSTRAINT ticket_entry_customer_writes_in_public CHECK (actor_kind <> 'customer' OR visibility = 'public'),
  CONSTRAINT ticket_entry_transition CHECK (
    CASE WHEN to_status IS NULL THEN from_status IS NULL AND kind = 'replied'
         WHEN from_status IS NULL THEN kind = 'opened' AND to_status = 'open'
         ELSE (kind, from_status, to_status) IN (
           ('replied', 'open', 'pending'), ('replied', 'pending', 'open'), ('replied', 'solved', 'open'),
           ('solved', 'open', 'solved'), ('solved', 'pending', 'solved'),
           ('closed', 'solved', 'closed'), ('reopened', 'solved', 'open'),
           ('closed', 'open', 'closed'), ('closed', 'pending', 'closed')) END)
);
CREATE INDEX ticket_entry_of_ticket ON ticket_entry (ticket_id, id);
CREATE INDEX ticket_entry_of_customer ON ticket_entry (customer_id);
CREATE TABLE rule (
  code text NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  status text NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
  document jsonb NOT NULL,
  author text NOT NULL,
  published_at timestamptz,
  PRIMARY KEY (code, version),
  CONSTRAINT rule_published CHECK ((status = 'draft') = (published_at IS NULL))
);
CREATE UNIQUE INDEX rule_one_published ON rule (code) WHERE status = 'published';
CREATE TABLE rule_signal (
  signal text NOT NULL,
  customer_id uuid NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (signal, customer_id)
);
"""

FOLLOW_UP = {
    "signal": "risk",
    "open_on": ["moat.risk.raised.v1", "moat.risk.changed.v1"],
    "condition": {"combinator": "and", "rules": [{"field": "value_minor", "operator": ">=", "value": 10_000}]},
    "ticket": {
        "kind": "follow_up",
        "priority": "high",
        "subject": {"zh-CN": "回访：客户可能正在流失", "en": "Follow up: this customer may be leaving"},
        "body": {
            "zh-CN": "这位客户的沉默时间已远超其平时的节奏，且消费较高。请联系客户，了解原因并记录结果。",
            "en": "This customer has been silent for far longer than usual and has spent much. "
            "Get in touch, ask why, and note what came of it.",
        },
    },
    "solve_on": ["moat.risk.cleared.v1"],
    "solve_reason": "risk.cleared",
}


def upgrade() -> None:
    kit.create_kit_tables(op, service="ticket", customers=True)
    kit.run_script(op, TABLES)
    kit.grant(op, service="ticket", tables=["ticket", "ticket_entry", "rule", "rule_signal"])
    kit.customer_rows(op, service="ticket", tables=["ticket"], condition="kind <> 'follow_up'")
    # The policy of `ticket` holds inside this one too, so the entries of a follow-up are as invisible as itself.
    kit.customer_rows(
        op,
        service="ticket",
        tables=["ticket_entry"],
        condition="visibility = 'public' AND EXISTS (SELECT FROM ticket t WHERE t.id = ticket_id)",
    )
    op.execute(
        text(
            "INSERT INTO rule (code, version, status, document, author, published_at) "
            "VALUES ('risk.follow_up', 1, 'published', CAST(:document AS jsonb), 'moat', now())"
        ).bindparams(document=json.dumps(FOLLOW_UP, ensure_ascii=False))
    )


def downgrade() -> None:
    for table in ("rule_signal", "rule", "ticket_entry", "ticket"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE ticket_number")
    kit.drop_kit_tables(op, customers=True)
