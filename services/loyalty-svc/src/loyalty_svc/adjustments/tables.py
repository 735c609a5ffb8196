"""What the adjustments keep: who asked for which correction and why, and who decided."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, Text, Uuid, text

from loyalty_svc.metadata import metadata

adjustment = Table(
    "adjustment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("account_type", Text(collation="C"), nullable=False),
    Column("amount", BigInteger, nullable=False, comment="negative: taken"),
    Column("reason", Text, nullable=False),
    Column("status", Text(collation="C"), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("note", Text, comment="what the second person said"),
    Column("posting_id", Uuid),
    CheckConstraint("amount <> 0", name="adjustment_amount"),
    CheckConstraint("status IN ('waiting', 'booked', 'refused')", name="adjustment_status"),
    CheckConstraint("(status = 'booked') = (posting_id IS NOT NULL)", name="adjustment_booked"),
    CheckConstraint("decided_by <> asked_by", name="adjustment_second_person"),
    Index("adjustment_waiting", "id", postgresql_where=text("status = 'waiting'")),
    Index("adjustment_of_customer", "customer_id", "id"),
)
