"""What the holds keep: points that left `available` for `reserved`, until they are spent or come back."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, Text, Uuid, text

from loyalty_svc.metadata import metadata

hold = Table(
    "hold",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("account_type", Text(collation="C"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False, server_default="0"),
    Column("status", Text(collation="C"), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="given back when nobody has confirmed by then"),
    Column("resolved_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False),
    Column("cause_id", Uuid, nullable=False),
    Column("cause_part", Text(collation="C"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("order_id", Text),
    Column("posting_id", Uuid, comment="the posting that spent it"),
    CheckConstraint("status IN ('held', 'confirmed', 'released', 'timed_out')", name="hold_status"),
    CheckConstraint("amount > 0 AND confirmed BETWEEN 0 AND amount", name="hold_amounts"),
    CheckConstraint("(status = 'held') = (resolved_at IS NULL)", name="hold_resolved"),
    CheckConstraint(
        "(status = 'confirmed') = (confirmed > 0) AND (status = 'confirmed') = (posting_id IS NOT NULL)",
        name="hold_spent",
    ),
    Index("hold_open", "customer_id", "account_type", postgresql_where=text("status = 'held'")),
    Index("hold_of_customer", "customer_id", "id"),
)
