"""Whose days are watched, and what was told of them."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Integer, SmallInteger, Table, Text, Uuid

from customer_svc.metadata import metadata

occasion_watch: Final = Table(
    "occasion_watch",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("customer_since", DateTime(timezone=True), nullable=False),
    Column("birthdays_told_until", DateTime(timezone=True), nullable=False),
    Column("anniversaries_told_until", DateTime(timezone=True), nullable=False),
    Column("next_due_at", DateTime(timezone=True), comment="where its timer stands"),
    Column("born_month", SmallInteger),
    Column("born_day", SmallInteger),
    Column("calendar", Text, comment="of the birthday: solar or lunar"),
    Column("zone", Text, nullable=False, comment="IANA name"),
    CheckConstraint("calendar IN ('solar', 'lunar')", name="occasion_watch_calendar"),
    CheckConstraint(
        "(born_month IS NULL) = (born_day IS NULL) AND (born_month IS NULL) = (calendar IS NULL)",
        name="occasion_watch_birthday",
    ),
)

occasion_told: Final = Table(
    "occasion_told",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False, comment="of the calendar it is counted in"),
    Column("days_ahead", Integer, primary_key=True, autoincrement=False),
    Column("occurs_on", Date, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was told"),
    comment="the lasting guard: nothing is told twice, whatever is corrected, merged or fired again",
)
