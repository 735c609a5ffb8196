"""Occasions: whose days are watched, what was told of them, and the calendar that a birthday is written in."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE occasion_watch (
  customer_id uuid PRIMARY KEY,
  customer_since timestamptz NOT NULL,
  birthdays_told_until timestamptz NOT NULL,
  anniversaries_told_until timestamptz NOT NULL,
  next_due_at timestamptz,
  born_month smallint CHECK (born_month BETWEEN 1 AND 12),
  born_day smallint CHECK (born_day BETWEEN 1 AND 31),
  calendar text CONSTRAINT occasion_watch_calendar CHECK (calendar IN ('solar', 'lunar')),
  zone text NOT NULL,
  CONSTRAINT occasion_watch_birthday CHECK (
    (born_month IS NULL) = (born_day IS NULL) AND (born_month IS NULL) = (calendar IS NULL))
) WITH (fillfactor = 90);
CREATE TABLE occasion_told (
  customer_id uuid NOT NULL,
  kind text NOT NULL,
  year integer NOT NULL,
  days_ahead integer NOT NULL CHECK (days_ahead >= 0),
  occurs_on date NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, kind, year, days_ahead)
);
"""
# Rows that are there have no calendar, so there is nothing to validate.
CALENDAR = """
ALTER TABLE profile ADD COLUMN birthday_calendar text;
ALTER TABLE profile ADD CONSTRAINT profile_birthday_calendar
  CHECK (birthday_calendar IN ('solar', 'lunar')) NOT VALID;
"""
# Who is a customer already is watched from now on; a timer that is due at once finds what comes next for each.
WATCH_EVERYBODY = """
INSERT INTO occasion_watch (customer_id, customer_since, birthdays_told_until, anniversaries_told_until, next_due_at,
                            born_month, born_day, calendar, zone)
SELECT customer_id, first_seen_at, now(), now(), now(), CAST(substr(birthday, 6, 2) AS smallint),
       CAST(substr(birthday, 9, 2) AS smallint), CASE WHEN birthday IS NOT NULL THEN 'solar' END,
       coalesce(zone, 'Asia/Shanghai')
FROM profile;
INSERT INTO timer (kind, key, due_at) SELECT 'occasions', CAST(customer_id AS text), now() FROM profile;
"""
OWN = ["occasion_watch", "occasion_told"]


def upgrade() -> None:
    for script in (TABLES, CALENDAR, WATCH_EVERYBODY):
        kit.run_script(op, script)
    kit.grant(op, service="customer", tables=OWN)


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'occasions'")
    op.execute("ALTER TABLE profile DROP COLUMN birthday_calendar")
    for table in reversed(OWN):
        op.drop_table(table)
