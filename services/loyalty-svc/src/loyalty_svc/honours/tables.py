"""Who holds which honour, since when, by whom and why; what is over stays as history.

One honour is held once at a time (a partial unique index). `is_barred` marks what staff took back: the rule does not
give that honour to that customer again while any such row is his.
"""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Table, Text, Uuid, text

from loyalty_svc.metadata import metadata

LOOK: Final = "honours.look"
"""The timer that judges everybody by the rules, slice by slice: when a rule is published, and every night."""
EVERYBODY: Final = "everybody"
"""Its only key."""

honour_holding: Final = Table(
    "honour_holding",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("valid_until", DateTime(timezone=True), comment="when it lapses; null: it does not"),
    Column("ended_at", DateTime(timezone=True), comment="taken back, lapsed and given anew, or joined by a merge"),
    Column("is_by_rule", Boolean, nullable=False),
    Column("is_barred", Boolean, nullable=False, comment="taken back, and the rule may not give it again"),
    Column("honour", Text(collation="C"), nullable=False),
    Column("rule", Text, nullable=False, comment="<code>@<version> of the kind of honour"),
    Column("given_by", Text, nullable=False),
    Column("reason", Text, comment="of staff; null when a rule gave it"),
    Column("event_id", Text, comment="the event that made the rule true, where there was one"),
    Column("ended_by", Text),
    Column("end_reason", Text),
    CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="honour_holding_ended"),
    CheckConstraint("is_by_rule OR reason IS NOT NULL", name="honour_holding_reason"),
    CheckConstraint("NOT is_barred OR ended_at IS NOT NULL", name="honour_holding_barred"),
    Index("honour_holding_standing", "customer_id", "honour", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("honour_holding_of_customer", "customer_id", "id"),
    Index("honour_holding_of_honour", "honour", "id"),
)
