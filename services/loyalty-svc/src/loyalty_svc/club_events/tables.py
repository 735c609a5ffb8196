"""What events of clubs keep.

The event's row counts its places and numbers those who ask, under its lock: so the last place goes to one, and the
waiting list is in the order of asking. Numbers are never used again.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

club_event: Final = Table(
    "club_event",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("opens_at", DateTime(timezone=True), comment="when booking begins; null: at once"),
    Column("closes_at", DateTime(timezone=True), comment="when booking ends; null: when the event begins"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("numbered", BigInteger, nullable=False, server_default="0", comment="the last number given to who asked"),
    Column("places", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("waiting", Integer, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False, server_default="1", comment="counts edits; the ETag"),
    Column("club", Text(collation="C"), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("cancelled_by", Text),
    Column("reason", Text, comment="why it was cancelled"),
    Column("names", JSONB, nullable=False),
    Column("about", JSONB),
    Column("place", JSONB, nullable=False),
    CheckConstraint("starts_at < ends_at AND closes_at <= starts_at AND opens_at < closes_at", name="club_event_times"),
    CheckConstraint("taken BETWEEN 0 AND places AND waiting >= 0", name="club_event_places"),
    Index("club_event_of_club", "club", "starts_at", "id"),
    Index("club_event_by_start", "starts_at", "id"),
)

club_place: Final = Table(
    "club_place",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("club_event.id"), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("booked_at", DateTime(timezone=True), comment="when it became his: at once, or by moving up"),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("number", BigInteger, nullable=False, comment="the order of asking"),
    Column("state", Text(collation="C"), nullable=False),
    Column("reason", Text(collation="C"), comment="why it was given up"),
    CheckConstraint(
        "(state = 'waiting' AND booked_at IS NULL AND cancelled_at IS NULL)"
        " OR (state = 'booked' AND booked_at IS NOT NULL AND cancelled_at IS NULL)"
        " OR (state = 'cancelled' AND cancelled_at IS NOT NULL AND reason IS NOT NULL)",
        name="club_place_state",
    ),
    Index("club_place_once", "event_id", "customer_id", unique=True, postgresql_where=text("state <> 'cancelled'")),
    Index("club_place_of_event", "event_id", "state", "number", "id"),
    Index("club_place_of_customer", "customer_id", "id"),
)
