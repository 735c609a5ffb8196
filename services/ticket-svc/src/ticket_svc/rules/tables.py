"""Rules by version, and how far the signals of each customer have been followed."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from ticket_svc.metadata import metadata

rule: Final = Table(
    "rule",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("status", Text, nullable=False, comment="draft, published (one a code) or retired"),
    Column("document", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    Column("published_at", DateTime(timezone=True)),
)

rule_signal: Final = Table(
    "rule_signal",
    metadata,
    Column("signal", Text, primary_key=True),
    Column("customer_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="of the newest event that was acted on"),
)
