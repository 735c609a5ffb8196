"""Documents in versions; the earning programme becomes documents, one for each rule; limits count, awards are noted.

The table `earning_programme` stays, unread, for the version of the service that is being replaced.
"""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import create_document_table, drop_document_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIMITS = """
CREATE TABLE earning_counter (
  customer_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  points bigint NOT NULL DEFAULT 0,
  awards bigint NOT NULL DEFAULT 0,
  last_at timestamptz,
  scope text COLLATE "C" NOT NULL,
  per text COLLATE "C" NOT NULL CONSTRAINT earning_counter_per
    CHECK (per IN ('hour', 'day', 'week', 'month', 'ever')),
  PRIMARY KEY (customer_id, scope, per, starts_at)
) WITH (fillfactor = 70);
CREATE TABLE award (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  cause_id uuid NOT NULL,
  at timestamptz NOT NULL,
  noted_at timestamptz NOT NULL,
  wanted bigint NOT NULL,
  points bigint NOT NULL,
  decided_at timestamptz,
  decided_by text,
  reason text,
  status text COLLATE "C" NOT NULL CONSTRAINT award_status
    CHECK (status IN ('given', 'cut', 'refused', 'held', 'approved', 'turned_down')),
  code text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  event_type text COLLATE "C" NOT NULL,
  event_id text NOT NULL,
  order_id text,
  matched text NOT NULL,
  cut_by text,
  CONSTRAINT award_points CHECK (points BETWEEN 0 AND wanted),
  CONSTRAINT award_decided CHECK ((status IN ('approved', 'turned_down')) = (decided_at IS NOT NULL))
);
CREATE UNIQUE INDEX award_once ON award (cause_id, code);
CREATE INDEX award_of_customer ON award (customer_id, id);
CREATE INDEX award_held ON award (id) WHERE status = 'held';
ALTER TABLE order_earning ADD COLUMN others jsonb;
"""
# What was published stays what it was called: version n of the programme becomes version n of each rule in it.
MOVE = """
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at,
                      published_by, published_at, valid_from, valid_to, retired_by, retired_at)
SELECT uuidv7(), 'programme', 'programme', version, status,
       jsonb_build_object('currencies', document->'currencies', 'credits', document->'credits',
                          'zone', 'Asia/Shanghai', 'limits', '[]'::jsonb),
       author, created_at, coalesce(retired_at, published_at, created_at),
       CASE WHEN published_at IS NOT NULL THEN author END, published_at, valid_from, valid_to,
       CASE WHEN retired_at IS NOT NULL THEN author END, retired_at
FROM earning_programme WHERE status <> 'draft';
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at,
                      published_by, published_at, valid_from, valid_to, retired_by, retired_at)
SELECT uuidv7(), 'earning_rule', rule->>'code', version, status,
       jsonb_build_object('names', jsonb_build_object('zh-CN', rule->>'code', 'en', rule->>'code') || (rule->'names'),
                          'on', 'order.paid', 'condition', rule->'condition',
                          'award', rule->'award'),
       author, created_at, coalesce(retired_at, published_at, created_at),
       CASE WHEN published_at IS NOT NULL THEN author END, published_at, valid_from, valid_to,
       CASE WHEN retired_at IS NOT NULL THEN author END, retired_at
FROM earning_programme, jsonb_array_elements(document->'rules') AS rule WHERE status <> 'draft';
"""


def upgrade() -> None:
    create_document_table(op, service="loyalty")
    kit.run_script(op, LIMITS)
    kit.run_script(op, MOVE)
    kit.grant(op, service="loyalty", tables=["earning_counter", "award"])


def downgrade() -> None:
    op.drop_column("order_earning", "others")
    op.drop_table("award")
    op.drop_table("earning_counter")
    drop_document_table(op)
