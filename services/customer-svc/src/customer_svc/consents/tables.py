"""What a customer has said to one purpose over one channel."""

from typing import Final

from sqlalchemy import Column, DateTime, Table, Text, Uuid

from customer_svc.metadata import metadata

consent: Final = Table(
    "consent",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("status", Text, nullable=False, comment="granted, denied, revoked"),
    Column("evidence", Text, comment="where it is written down"),
    Column("at", DateTime(timezone=True), nullable=False),
)
