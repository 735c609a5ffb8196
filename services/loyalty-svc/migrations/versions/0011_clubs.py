"""Clubs: who is in one and until when, and places at their events; see tables.py of `clubs` and `club_events`."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import remove_kind

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
OWNED = ["club_membership", "club_fact", "club_invitation", "club_place"]
TABLES = """
CREATE TABLE club_membership (
  customer_id uuid NOT NULL,
  joined_at timestamptz,
  renewed_at timestamptz,
  ends_at timestamptz,
  lapses_at timestamptz,
  remind_at timestamptz,
  reminded_for timestamptz,
  ended_at timestamptz,
  club text COLLATE "C" NOT NULL,
  ended_by text COLLATE "C",
  way text COLLATE "C",
  rule text COLLATE "C",
  PRIMARY KEY (customer_id, club),
  CONSTRAINT club_membership_joined CHECK (
    (joined_at IS NULL) = (way IS NULL) AND (joined_at IS NULL) = (rule IS NULL)
    AND (joined_at IS NULL) = (renewed_at IS NULL) AND (ends_at IS NULL) = (lapses_at IS NULL)),
  CONSTRAINT club_membership_ended CHECK (
    (ended_at IS NULL) = (ended_by IS NULL) AND ended_by IN ('lapsed', 'left', 'removed'))
);
CREATE INDEX club_membership_of_club ON club_membership (club, customer_id) WHERE joined_at IS NOT NULL;
CREATE TABLE club_fact (
  id uuid NOT NULL,
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  noted_at timestamptz NOT NULL,
  terms integer NOT NULL,
  is_undone boolean NOT NULL DEFAULT false,
  is_void boolean NOT NULL DEFAULT false,
  club text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  rule text COLLATE "C",
  actor text,
  reason text,
  event_id text,
  order_id text,
  PRIMARY KEY (id, club),
  CONSTRAINT club_fact_kind CHECK (kind IN ('accepted', 'paid', 'renewed', 'left', 'removed')),
  CONSTRAINT club_fact_gives CHECK ((kind IN ('accepted', 'paid', 'renewed')) = (rule IS NOT NULL)),
  CONSTRAINT club_fact_terms CHECK (terms BETWEEN 1 AND 100)
);
CREATE INDEX club_fact_of_customer ON club_fact (customer_id, club);
CREATE TABLE club_invitation (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  made_at timestamptz NOT NULL,
  until timestamptz,
  decided_at timestamptz,
  club text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  made_by text NOT NULL,
  decided_by text,
  CONSTRAINT club_invitation_state CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn', 'expired')),
  CONSTRAINT club_invitation_decided CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE INDEX club_invitation_of_customer ON club_invitation (customer_id, id);
CREATE UNIQUE INDEX club_invitation_open ON club_invitation (customer_id, club) WHERE state = 'open';
CREATE TABLE club_event (
  id uuid PRIMARY KEY,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  opens_at timestamptz,
  closes_at timestamptz,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  numbered bigint NOT NULL DEFAULT 0,
  places integer NOT NULL,
  taken integer NOT NULL DEFAULT 0,
  waiting integer NOT NULL DEFAULT 0,
  revision integer NOT NULL DEFAULT 1,
  club text COLLATE "C" NOT NULL,
  made_by text NOT NULL,
  cancelled_by text,
  reason text,
  names jsonb NOT NULL,
  about jsonb,
  place jsonb NOT NULL,
  CONSTRAINT club_event_times CHECK (starts_at < ends_at AND closes_at <= starts_at AND opens_at < closes_at),
  CONSTRAINT club_event_places CHECK (taken BETWEEN 0 AND places AND waiting >= 0)
);
CREATE INDEX club_event_of_club ON club_event (club, starts_at, id);
CREATE INDEX club_event_by_start ON club_event (starts_at, id);
CREATE TABLE club_place (
  id uuid PRIMARY KEY,
  event_id uuid NOT NULL REFERENCES club_event (id),
  customer_id uuid NOT NULL,
  made_at timestamptz NOT NULL,
  booked_at timestamptz,
  cancelled_at timestamptz,
  number bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  reason text COLLATE "C",
  CONSTRAINT club_place_state CHECK (
    (state = 'waiting' AND booked_at IS NULL AND cancelled_at IS NULL)
    OR (state = 'booked' AND booked_at IS NOT NULL AND cancelled_at IS NULL)
    OR (state = 'cancelled' AND cancelled_at IS NOT NULL AND reason IS NOT NULL))
);
CREATE UNIQUE INDEX club_place_once ON club_place (event_id, customer_id) WHERE state <> 'cancelled';
CREATE INDEX club_place_of_event ON club_place (event_id, state, number, id);
CREATE INDEX club_place_of_customer ON club_place (customer_id, id);
"""


def upgrade() -> None:
    kit.run_script(op, TABLES)
    kit.grant(op, service=SERVICE, tables=[*OWNED, "club_event"])
    kit.customer_rows(op, service=SERVICE, tables=OWNED)


def downgrade() -> None:
    remove_kind(op, "club")
    for table in ("club_place", "club_event", "club_invitation", "club_fact", "club_membership"):
        op.drop_table(table)
