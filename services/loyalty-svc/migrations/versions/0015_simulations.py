"""Simulations: runs of drafts over what happened."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
OWNED = ["simulation", "simulation_customer"]
TABLES = """
CREATE TABLE simulation (
  id uuid PRIMARY KEY,
  claim uuid,
  created_at timestamptz NOT NULL,
  since timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  lease_until timestamptz,
  published_at timestamptz,
  draft_revision bigint NOT NULL,
  events_read bigint NOT NULL DEFAULT 0,
  events_skipped bigint NOT NULL DEFAULT 0,
  version integer NOT NULL,
  days integer NOT NULL,
  progress integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  kind text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  failure text COLLATE "C",
  author text NOT NULL,
  document jsonb NOT NULL,
  result jsonb,
  CONSTRAINT simulation_kind CHECK (kind IN ('earning_rule', 'tier_plan', 'task')),
  CONSTRAINT simulation_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  CONSTRAINT simulation_bounds CHECK (days BETWEEN 1 AND 1100 AND progress BETWEEN 0 AND 100),
  CONSTRAINT simulation_result CHECK ((state = 'done') = (result IS NOT NULL)),
  CONSTRAINT simulation_finished CHECK ((state IN ('queued', 'running')) = (finished_at IS NULL)),
  CONSTRAINT simulation_failure CHECK ((state = 'failed') = (failure IS NOT NULL))
);
CREATE INDEX simulation_to_do ON simulation (id) WHERE state IN ('queued', 'running');
CREATE TABLE simulation_customer (
  simulation_id uuid NOT NULL REFERENCES simulation ON DELETE CASCADE,
  customer_id uuid NOT NULL,
  published bigint NOT NULL,
  draft bigint NOT NULL,
  rank integer NOT NULL,
  tier text NOT NULL,
  to_tier text,
  PRIMARY KEY (simulation_id, rank),
  CONSTRAINT simulation_customer_differs CHECK (published <> draft)
);
"""


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=OWNED)


def downgrade() -> None:
    for table in reversed(OWNED):
        op.drop_table(table)
