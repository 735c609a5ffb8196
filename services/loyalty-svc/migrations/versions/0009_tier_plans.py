"""The tier plan becomes a document; a tier may be granted by hand; plans over windows and periods.

The table `tier_plan` stays, unread, for the version of the service that is being replaced.
"""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import remove_kind

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
COLUMNS = {
    "earned_tier": "text",
    "earned_since": "timestamptz",
    "granted_tier": "text",
    "granted_at": "timestamptz",
    "granted_until": "timestamptz",
    "retained_at": "timestamptz",
    "warned_for": "timestamptz",
    "next_at": "timestamptz",
    "judged_at": "timestamptz",
}
TABLES = """
CREATE TABLE tier_grant (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  granted_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  ended_at timestamptz,
  tier text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  granted_by text NOT NULL,
  ended_by text,
  end_reason text,
  CONSTRAINT tier_grant_ends CHECK (
    until > granted_at AND (ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX tier_grant_standing ON tier_grant (customer_id) WHERE ended_at IS NULL;
CREATE INDEX tier_grant_of_customer ON tier_grant (customer_id, id);
CREATE TABLE tier_judging (
  plan_version integer PRIMARY KEY,
  members bigint NOT NULL,
  judged bigint NOT NULL,
  moved bigint NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz
);
"""
MOVE = """
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at,
                      published_by, published_at, valid_from, valid_to, retired_by, retired_at)
SELECT uuidv7(), 'tier_plan', 'tiers', version, status,
       jsonb_build_object('tiers', (
         SELECT jsonb_agg(jsonb_build_object('code', tier->'code', 'names', tier->'names',
                                             'from_value', tier->'from_growth') ORDER BY place)
         FROM jsonb_array_elements(document->'tiers') WITH ORDINALITY AS t (tier, place))),
       author, created_at, coalesce(retired_at, published_at, created_at),
       CASE WHEN published_at IS NOT NULL THEN author END, published_at,
       CASE WHEN version > 1 THEN published_at END, retired_at,
       CASE WHEN retired_at IS NOT NULL THEN author END, retired_at
FROM tier_plan WHERE status <> 'draft';
"""


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.execute(f"ALTER TABLE membership ADD COLUMN {name} {kind}")
    kit.run_script(op, TABLES)
    kit.run_script(op, MOVE)
    kit.grant(op, service=SERVICE, tables=["tier_grant", "tier_judging"])
    kit.customer_rows(op, service=SERVICE, tables=["tier_grant"])


def downgrade() -> None:
    remove_kind(op, "tier_plan")
    op.drop_table("tier_judging")
    op.drop_table("tier_grant")
    for name in reversed(COLUMNS):
        op.drop_column("membership", name)
