"""What simulations keep: what was asked, how far it is, what came of it, and the customers whom it changes most."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

simulation: Final = Table(
    "simulation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("claim", Uuid, comment="of the worker that runs it"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, comment="what happened from then on is judged"),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True), comment="by the database's clock; then others may take it up"),
    Column("published_at", DateTime(timezone=True), comment="when the draft was published from the result"),
    Column("draft_revision", BigInteger, nullable=False, comment="of the document, as it was simulated"),
    Column("events_read", BigInteger, nullable=False, server_default="0"),
    Column("events_skipped", BigInteger, nullable=False, server_default="0", comment="records nobody could read"),
    Column("version", Integer, nullable=False, comment="the draft's number"),
    Column("days", Integer, nullable=False),
    Column("progress", Integer, nullable=False, server_default="0", comment="in percent"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("kind", Text(collation="C"), nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("state", Text(collation="C"), nullable=False),
    Column("failure", Text(collation="C"), comment="a stable code of why it failed"),
    Column("author", Text, nullable=False),
    Column("document", JSONB, nullable=False, comment="the draft"),
    Column("result", JSONB),
    CheckConstraint("kind IN ('earning_rule', 'tier_plan', 'task')", name="simulation_kind"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="simulation_state"),
    CheckConstraint("days BETWEEN 1 AND 1100 AND progress BETWEEN 0 AND 100", name="simulation_bounds"),
    CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="simulation_result"),
    CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="simulation_finished"),
    CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="simulation_failure"),
    Index("simulation_to_do", "id", postgresql_where=text("state IN ('queued', 'running')")),
)

simulation_customer: Final = Table(
    "simulation_customer",
    metadata,
    Column(
        "simulation_id", Uuid, ForeignKey("simulation.id", ondelete="CASCADE"), primary_key=True, comment="of which"
    ),
    Column("customer_id", Uuid, nullable=False),
    Column("published", BigInteger, nullable=False, comment="by what is published"),
    Column("draft", BigInteger, nullable=False, comment="with the draft"),
    Column("rank", Integer, primary_key=True, comment="1: whom it changes most"),
    Column("tier", Text, nullable=False, comment="today"),
    Column("to_tier", Text, comment="by a draft of a tier plan"),
    CheckConstraint("published <> draft", name="simulation_customer_differs"),
)
