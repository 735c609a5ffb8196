"""One row for each thing that happened to a customer."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from customer_svc.metadata import metadata

timeline: Final = Table(
    "timeline",
    metadata,
    Column("id", Uuid, primary_key=True, comment="the canonical event's id: it never stands here twice"),
    Column("customer_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False, comment="the event's type without `moat.` and version"),
    Column("event_id", Text, nullable=False, comment="of the fact as its sender named it"),
    Column("order_uid", Uuid),
    Column("data", JSONB, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
)
Index("timeline_of_customer", timeline.c.customer_id, timeline.c.at.desc(), timeline.c.id.desc())
