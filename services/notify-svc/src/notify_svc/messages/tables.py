"""Rows of messages. One for each cause, template and channel; no address and no rendered text is kept."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from notify_svc.metadata import metadata

message = Table(
    "message",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was decided"),
    Column("channel", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("subject_key", Text, nullable=False, comment="what it is about; unique per template and channel"),
    Column("cause", JSONB, nullable=False, comment="event_id, source, type, correlation_id, traceparent"),
    Column("happened_at", DateTime(timezone=True), nullable=False, comment="time of the cause"),
    Column("values", JSONB, nullable=False, comment="what the template is filled with; no personal data"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", DateTime(timezone=True), comment="lease and back-off of a waiting e-mail"),
    Column("read_at", DateTime(timezone=True)),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    CheckConstraint("channel IN ('inbox', 'email')", name="message_channel"),
    CheckConstraint(
        "status IN ('sent', 'delivered', 'failed', 'suppressed', 'deferred')",
        name="message_status",
    ),
    CheckConstraint("(status IN ('failed', 'suppressed')) <= (reason IS NOT NULL)", name="message_reason"),
    CheckConstraint("(status = 'deferred') = (next_attempt_at IS NOT NULL)", name="message_waiting"),
    UniqueConstraint("template", "channel", "subject_key", name="message_once"),
    Index("message_customer", "customer_id", "at", "id"),
    Index("message_waiting_at", "next_attempt_at", postgresql_where=text("status = 'deferred'")),
)
