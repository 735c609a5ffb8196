"""What earning keeps: the state of each order, counters of limits, and awards worth a note. Rules are documents."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

order_earning = Table(
    "order_earning",
    metadata,
    Column("order_uid", Uuid, primary_key=True),
    Column(
        "customer_id", Uuid, comment="whose order it is; null until it is paid. Merges are followed when it is read"
    ),
    Column("paid_at", DateTime(timezone=True)),
    Column("total_minor", BigInteger),
    Column("earned", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, comment="counts its changes, so that a stale one is noticed"),
    Column("programme_version", Integer, comment="the version of the programme that judged it; null: none was valid"),
    Column("currency", Text),
    Column("refunds", JSONB, comment="every refund that is known, in the order they became so"),
    Column("others", JSONB, comment="[account types, earned, reversed] where a rule credits other types"),
    Column("by_line", JSONB, comment="the lines and which of them earned what, where a rule gave something for lines"),
    CheckConstraint("reversed BETWEEN 0 AND earned", name="order_earning_reversed"),
    CheckConstraint(
        "(customer_id IS NULL AND paid_at IS NULL AND total_minor IS NULL AND currency IS NULL AND earned = 0)"
        " OR (customer_id IS NOT NULL AND paid_at IS NOT NULL AND total_minor IS NOT NULL AND currency IS NOT NULL)",
        name="order_earning_paid",
    ),
    Index(
        "order_earning_unrewarded",
        "customer_id",
        postgresql_where=text("earned = 0 AND customer_id IS NOT NULL"),
    ),
)

earning_counter = Table(
    "earning_counter",
    metadata,
    Column("customer_id", Uuid, primary_key=True, comment="all zeros: everyone together"),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("awards", BigInteger, nullable=False, server_default="0"),
    Column("last_at", DateTime(timezone=True), comment="when the latest of what it counts happened"),
    Column("scope", Text(collation="C"), primary_key=True, comment="rule:<code>, or programme"),
    Column("per", Text(collation="C"), primary_key=True),
    CheckConstraint("per IN ('hour', 'day', 'week', 'month', 'ever')", name="earning_counter_per"),
)

award = Table(
    "award",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("cause_id", Uuid, nullable=False, comment="the order, or what the event is about"),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the event happened"),
    Column("noted_at", DateTime(timezone=True), nullable=False),
    Column("wanted", BigInteger, nullable=False, comment="what the rule gives without limits"),
    Column("points", BigInteger, nullable=False, comment="what its limits left; of a held one what approving gives"),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("reason", Text),
    Column("status", Text(collation="C"), nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("rule", Text(collation="C"), nullable=False, comment="<code>@<version>"),
    Column("event_type", Text(collation="C"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("order_id", Text),
    Column("matched", Text, nullable=False),
    Column("cut_by", Text, comment="the limit that made it less, refused or holds it"),
    CheckConstraint("status IN ('given', 'cut', 'refused', 'held', 'approved', 'turned_down')", name="award_status"),
    CheckConstraint("points BETWEEN 0 AND wanted", name="award_points"),
    CheckConstraint("(status IN ('approved', 'turned_down')) = (decided_at IS NOT NULL)", name="award_decided"),
    Index("award_once", "cause_id", "code", unique=True),
    Index("award_of_customer", "customer_id", "id"),
    Index("award_held", "id", postgresql_where=text("status = 'held'")),
)
