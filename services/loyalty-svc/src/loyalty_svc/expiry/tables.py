"""What expiry keeps: who was warned of which day, so that nobody is told twice, and what the audits found."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, Uuid

from loyalty_svc.metadata import metadata

expiry_warning = Table(
    "expiry_warning",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("account_type", Text(collation="C"), primary_key=True),
    Column("expires_on", Date, primary_key=True, comment="a civil day in Asia/Shanghai"),
    Column("amount", BigInteger, nullable=False),
    Column("warned_at", DateTime(timezone=True), nullable=False),
)
