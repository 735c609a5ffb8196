"""Every fact that was taken, for good: the lasting guard against a second delivery."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from customer_svc.metadata import metadata

fact: Final = Table(
    "fact",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("customer_id", Uuid, comment="null when all its identifiers are blocked"),
    Column("order_uid", Uuid),
    Column("data", JSONB, comment="kept only where it went nowhere else"),
    Column("origin_id", Uuid, comment="whose it would be without merges"),
)
Index("fact_of_customer", fact.c.customer_id)
