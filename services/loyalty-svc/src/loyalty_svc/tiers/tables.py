"""What tiers keep: the plan as versioned documents, and one row per member."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

tier_plan = Table(
    "tier_plan",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("retired_at", DateTime(timezone=True)),
    CheckConstraint(
        "(status = 'draft' AND published_at IS NULL AND retired_at IS NULL)"
        " OR (status = 'published' AND published_at IS NOT NULL AND retired_at IS NULL)"
        " OR (status = 'retired' AND published_at IS NOT NULL AND retired_at IS NOT NULL)",
        name="tier_plan_status",
    ),
)
Index("tier_plan_published", tier_plan.c.status, unique=True, postgresql_where=tier_plan.c.status == "published")

membership = Table(
    "membership",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("enrolled_at", DateTime(timezone=True), nullable=False, comment="the earliest instant anything was posted"),
    Column("since", DateTime(timezone=True), nullable=False, comment="when, in the world, growth entered the tier"),
    Column("plan_version", Integer, nullable=False),
    Column("tier", Text, nullable=False),
    Column("event_id", Text, nullable=False, comment="the event that decided the tier"),
)
