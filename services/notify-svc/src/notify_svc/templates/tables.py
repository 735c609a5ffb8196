"""Rows of templates. A published version never changes; a new text is a new version."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from notify_svc.metadata import metadata

template = Table(
    "template",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("texts", JSONB, nullable=False, comment='{"zh-CN": {"subject", "body"}, "en": …}'),
    Column("author", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('draft', 'published', 'retired')", name="template_status"),
    CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="template_published_at"),
    Index("template_one_published", "code", unique=True, postgresql_where=text("status = 'published'")),
)
