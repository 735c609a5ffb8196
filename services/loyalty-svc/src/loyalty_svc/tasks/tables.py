"""What counts for tasks, and what each member's tasks have come to."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

task_fact: Final = Table(
    "task_fact",
    metadata,
    Column("fact_id", Uuid, primary_key=True, comment="of the order, or made of the event"),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it happened"),
    Column("kept_minor", BigInteger, comment="of an order: its total less what went back"),
    Column("day", Date, nullable=False, comment="the civil day in the programme's zone"),
    Column("counts", Boolean, nullable=False, comment="false: the order was given back in full"),
    Column("task", Text(collation="C"), primary_key=True),
    Column("step", Text(collation="C"), primary_key=True),
    Column("period", Text(collation="C"), nullable=False, comment="ever, 2026, 2026-Q4, 2026-11, 2026-W47, 2026-11-22"),
    Column("currency", Text),
    Column("event_id", Text, nullable=False),
    Index("task_fact_of_customer", "customer_id", "task", "period"),
)

task_progress: Final = Table(
    "task_progress",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("origin_id", Uuid, comment="whose completion it was before merges moved it"),
    Column("gift_id", Uuid, unique=True, comment="of the completion; the cause of its posting"),
    Column("completed_at", DateTime(timezone=True)),
    Column("withdrawn_at", DateTime(timezone=True), comment="when its reason fell away and the reward was taken back"),
    Column("points", BigInteger),
    Column("code_id", Uuid, comment="of the coupon's code"),
    Column("task", Text(collation="C"), primary_key=True),
    Column("period", Text(collation="C"), primary_key=True),
    Column("rule", Text, comment="<code>@<version> that completed it"),
    Column("account_type", Text),
    Column("coupon", Text),
    Column("badge", Text),
    Column("event_id", Text, comment="the event that completed it"),
    Column("done", JSONB, nullable=False, server_default="{}", comment="step: how far, as it was last announced"),
    CheckConstraint(
        "(gift_id IS NULL) = (completed_at IS NULL) AND (gift_id IS NULL) = (rule IS NULL)",
        name="task_progress_completed",
    ),
    CheckConstraint("(points IS NULL) = (account_type IS NULL) AND points > 0", name="task_progress_points"),
)

task_gift: Final = Table(
    "task_gift",
    metadata,
    Column("gift_id", Uuid, primary_key=True, comment="of a completion that stands beside that of task_progress"),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("completed_at", DateTime(timezone=True), nullable=False),
    Column("points", BigInteger),
    Column("code_id", Uuid),
    Column("task", Text(collation="C"), nullable=False),
    Column("period", Text(collation="C"), nullable=False),
    Column("rule", Text, nullable=False),
    Column("account_type", Text),
    Column("coupon", Text),
    Column("badge", Text),
    Column("event_id", Text),
    Index("task_gift_of_customer", "customer_id", "task", "period"),
)
