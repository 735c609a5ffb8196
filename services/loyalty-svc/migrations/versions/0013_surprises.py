"""Surprises: draws that anyone can check, and what was drawn."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import remove_kind

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
OWNED = ["surprise", "surprise_draw", "surprise_entry", "surprise_gift", "surprise_recipient"]
TABLES = """
CREATE TABLE surprise (
  gifts bigint NOT NULL,
  points bigint NOT NULL,
  cost_minor bigint NOT NULL,
  code text COLLATE "C" PRIMARY KEY,
  CONSTRAINT surprise_counts CHECK (gifts >= 0 AND points >= 0 AND cost_minor >= 0)
);
CREATE TABLE surprise_draw (
  id uuid PRIMARY KEY,
  committed_at timestamptz NOT NULL,
  draws_at timestamptz,
  started_at timestamptz,
  drawn_at timestamptz,
  finished_at timestamptz,
  counted_to uuid,
  customers bigint NOT NULL,
  eligible bigint NOT NULL,
  judged bigint NOT NULL,
  given bigint NOT NULL,
  winners integer,
  version integer,
  code text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  commitment text NOT NULL,
  seed bytea NOT NULL,
  judged_to bytea,
  eligible_hash text,
  ended_by text COLLATE "C",
  started_by text,
  CONSTRAINT surprise_draw_state CHECK (state IN ('committed', 'counting', 'giving', 'finished')),
  CONSTRAINT surprise_draw_counts CHECK (given <= judged AND judged <= eligible AND eligible <= customers),
  CONSTRAINT surprise_draw_finished CHECK (
    (state = 'finished') = (finished_at IS NOT NULL) AND (state = 'finished') = (ended_by IS NOT NULL)),
  CONSTRAINT surprise_draw_started CHECK (
    (state IN ('counting', 'giving')) <= (started_at IS NOT NULL AND version IS NOT NULL))
);
CREATE INDEX surprise_draw_of ON surprise_draw (code, id);
CREATE UNIQUE INDEX surprise_draw_committed ON surprise_draw (code) WHERE state = 'committed';
CREATE UNIQUE INDEX surprise_draw_running ON surprise_draw (code) WHERE state IN ('counting', 'giving');
CREATE TABLE surprise_entry (
  draw_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  outcome text COLLATE "C",
  digest bytea NOT NULL,
  PRIMARY KEY (draw_id, entry_id),
  CONSTRAINT surprise_entry_outcome CHECK (outcome IN ('given', 'recent'))
);
CREATE UNIQUE INDEX surprise_entry_rank ON surprise_entry (draw_id, digest);
CREATE TABLE surprise_gift (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  draw_id uuid NOT NULL,
  at timestamptz NOT NULL,
  points bigint,
  code_id uuid,
  surprise text COLLATE "C" NOT NULL,
  rule text NOT NULL,
  account_type text,
  coupon text,
  CONSTRAINT surprise_gift_points CHECK ((points IS NULL) = (account_type IS NULL) AND points > 0),
  CONSTRAINT surprise_gift_something CHECK (points IS NOT NULL OR coupon IS NOT NULL)
);
CREATE INDEX surprise_gift_of_customer ON surprise_gift (customer_id, id);
CREATE INDEX surprise_gift_of_draw ON surprise_gift (draw_id, id);
CREATE TABLE surprise_recipient (
  customer_id uuid PRIMARY KEY,
  last_at timestamptz NOT NULL,
  quiet_until timestamptz NOT NULL
);
"""


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=OWNED)
    # Of all this a member sees what he was given, and nothing else.
    kit.customer_rows(op, service=SERVICE, tables=["surprise_gift"])


def downgrade() -> None:
    remove_kind(op, "surprise")
    for table in reversed(OWNED):
        op.drop_table(table)
