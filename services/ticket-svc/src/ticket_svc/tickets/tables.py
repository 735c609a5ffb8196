"""Tickets and their history; the migration says the same in DDL, with the constraints that mirror the state machine."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid

from ticket_svc.metadata import metadata

ticket: Final = Table(
    "ticket",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True, comment="what people call it by, from a sequence"),
    Column("customer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("solved_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("resolution", Text),
    Column("reason", Text, comment="code of the last change of state, where it had one"),
    Column("rule", Text, comment="code of the rule it was born from"),
    Column("rule_version", Integer),
    Column("entries_count", Integer, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
)

ticket_entry: Final = Table(
    "ticket_entry",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7: history is read in its order"),
    Column("ticket_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text),
    Column("visibility", Text, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("body", Text),
    Column("reason", Text),
    Column("cause", Text, comment="id of the event that did it"),
)
