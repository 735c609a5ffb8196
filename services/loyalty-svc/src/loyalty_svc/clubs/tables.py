"""What clubs keep.

`club_membership` is what the facts come to (`stays.py`), for reading and for its timers; `club_fact` is why.
Memberships by value have no facts of their own: their reason is in postings and orders.
"""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

DUE: Final = "clubs.due"
"""Timer: a reminder, or the end of the days of grace; the key is `<customer>/<club>`."""
LOOK: Final = "clubs.look"
"""Timer: everybody is judged by a club's value, slice by slice, when a version begins; the key is that version."""
BACK: Final = "clubs.back"
"""Timer, at once: a member is one again; the key is `<customer>/<club>`. Later features hear of it so."""

club_membership: Final = Table(
    "club_membership",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("joined_at", DateTime(timezone=True), comment="null: never, the row is for the lock"),
    Column("renewed_at", DateTime(timezone=True), comment="when the term that runs was given"),
    Column("ends_at", DateTime(timezone=True), comment="null: for ever"),
    Column("lapses_at", DateTime(timezone=True), comment="the end and the days of grace after it"),
    Column("remind_at", DateTime(timezone=True)),
    Column("reminded_for", DateTime(timezone=True), comment="the end that he was told of last"),
    Column("ended_at", DateTime(timezone=True)),
    Column("club", Text(collation="C"), primary_key=True),
    Column("ended_by", Text(collation="C")),
    Column("way", Text(collation="C")),
    Column("rule", Text(collation="C"), comment="<code>@<version> that gave the term"),
    CheckConstraint(
        "(joined_at IS NULL) = (way IS NULL) AND (joined_at IS NULL) = (rule IS NULL)"
        " AND (joined_at IS NULL) = (renewed_at IS NULL) AND (ends_at IS NULL) = (lapses_at IS NULL)",
        name="club_membership_joined",
    ),
    CheckConstraint(
        "(ended_at IS NULL) = (ended_by IS NULL) AND ended_by IN ('lapsed', 'left', 'removed')",
        name="club_membership_ended",
    ),
    Index("club_membership_of_club", "club", "customer_id", postgresql_where=text("joined_at IS NOT NULL")),
)

club_fact: Final = Table(
    "club_fact",
    metadata,
    Column("id", Uuid, primary_key=True, comment="of the order, the invitation, or its own"),
    Column("customer_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
    Column("terms", Integer, nullable=False, comment="that it gives: pieces that were paid for"),
    Column("terms_back", Integer, nullable=False, server_default="0", comment="of these, whose pieces came back"),
    Column(
        "is_undone", Boolean, nullable=False, server_default="false", comment="the order or all its pieces came back"
    ),
    Column("is_void", Boolean, nullable=False, server_default="false", comment="of a merged customer who had left"),
    Column("club", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), nullable=False),
    Column("rule", Text(collation="C"), comment="<code>@<version> that judged it"),
    Column("actor", Text),
    Column("reason", Text),
    Column("event_id", Text),
    Column("order_id", Text),
    Column(
        "bought", JSONB, comment="pieces by SKU that an order paid for; null: it comes back as a whole or not at all"
    ),
    CheckConstraint("kind IN ('accepted', 'paid', 'renewed', 'left', 'removed')", name="club_fact_kind"),
    CheckConstraint("(kind IN ('accepted', 'paid', 'renewed')) = (rule IS NOT NULL)", name="club_fact_gives"),
    CheckConstraint("terms BETWEEN 1 AND 100", name="club_fact_terms"),
    CheckConstraint("terms_back BETWEEN 0 AND terms", name="club_fact_back"),
    Index("club_fact_of_customer", "customer_id", "club"),
)

club_invitation: Final = Table(
    "club_invitation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), comment="from then on it cannot be accepted"),
    Column("decided_at", DateTime(timezone=True)),
    Column("club", Text(collation="C"), nullable=False),
    Column("state", Text(collation="C"), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("decided_by", Text),
    CheckConstraint("state IN ('open', 'accepted', 'declined', 'withdrawn', 'expired')", name="club_invitation_state"),
    CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="club_invitation_decided"),
    Index("club_invitation_of_customer", "customer_id", "id"),
    Index("club_invitation_open", "customer_id", "club", unique=True, postgresql_where=text("state = 'open'")),
)
