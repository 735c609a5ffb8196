"""Splits: merges that were undone, pairs that stay apart, and rows that a merge moves say whose they were."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOVED = ("identifier", "fact", "timeline")
TABLES = """
CREATE TABLE merge_split (
  merge_id uuid PRIMARY KEY,
  from_id uuid NOT NULL,
  into_id uuid NOT NULL,
  merged_at timestamptz NOT NULL,
  at timestamptz NOT NULL,
  split_by text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  before jsonb NOT NULL
);
CREATE INDEX merge_split_of_customer ON merge_split (from_id);
CREATE TABLE kept_apart (
  first_id uuid NOT NULL,
  second_id uuid NOT NULL,
  PRIMARY KEY (first_id, second_id),
  CHECK (first_id < second_id)
);
CREATE INDEX kept_apart_second ON kept_apart (second_id);
ALTER TABLE merge ADD COLUMN merge_id uuid;
"""
OWN = ["merge_split", "kept_apart"]


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service="customer", tables=OWN)
    kit.keep_origins(op, *MOVED)


def downgrade() -> None:
    kit.forget_origins(op, *MOVED)
    op.execute("ALTER TABLE merge DROP COLUMN merge_id")
    for table in OWN:
        op.drop_table(table)
