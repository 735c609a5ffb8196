"""Merges that were undone, for good: who undid them, and what had been kept."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from customer_svc.metadata import metadata

merge_split: Final = Table(
    "merge_split",
    metadata,
    Column("merge_id", Uuid, primary_key=True, comment="the event that had told of the merge"),
    Column("from_id", Uuid, nullable=False),
    Column("into_id", Uuid, nullable=False),
    Column("merged_at", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("split_by", Text, nullable=False),
    Column("source", Text, nullable=False, comment="of the fact that had joined them"),
    Column("event_id", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Index("merge_split_of_customer", "from_id"),
)
