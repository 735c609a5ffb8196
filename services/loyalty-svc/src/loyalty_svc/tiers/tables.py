"""What tiers keep: one row per member, what was granted by hand, and how far a new plan's judging has come.

The plan is a document. `tier_plan` is what it was before, and is read no more.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

DUE: Final = "tiers.due"
"""The timers of members whose standing changes, or who are warned, without a fact; the key is the customer."""
JUDGE_ALL: Final = "tiers.judge_all"
"""The timer that judges everybody by a new plan, slice by slice."""

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
    Column("earned_tier", Text, comment="where he stands without what was granted; null when nothing is granted"),
    Column("earned_since", DateTime(timezone=True)),
    Column("granted_tier", Text, comment="given by hand, until `granted_until`"),
    Column("granted_at", DateTime(timezone=True)),
    Column("granted_until", DateTime(timezone=True)),
    Column("retained_at", DateTime(timezone=True), comment="when the tier was confirmed last"),
    Column("warned_for", DateTime(timezone=True), comment="the fall that he was warned of"),
    Column("next_at", DateTime(timezone=True), comment="when his timer falls due"),
    Column("judged_at", DateTime(timezone=True), comment="the instant he was judged at; null where only facts count"),
)

tier_grant = Table(
    "tier_grant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), comment="replaced or ended by hand, or its time was over"),
    Column("tier", Text(collation="C"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("ended_by", Text),
    Column("end_reason", Text),
    CheckConstraint(
        "until > granted_at AND (ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)",
        name="tier_grant_ends",
    ),
    Index("tier_grant_standing", "customer_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("tier_grant_of_customer", "customer_id", "id"),
)

tier_judging = Table(
    "tier_judging",
    metadata,
    Column("plan_version", Integer, primary_key=True, autoincrement=False),
    Column("members", BigInteger, nullable=False, comment="there were when it began"),
    Column("judged", BigInteger, nullable=False),
    Column("moved", BigInteger, nullable=False, comment="those whose tier became another"),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
