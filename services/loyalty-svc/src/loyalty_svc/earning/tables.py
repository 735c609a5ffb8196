"""What earning keeps: the programme as versioned documents, and the state of each order."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_svc.metadata import metadata

earning_programme = Table(
    "earning_programme",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("valid_from", DateTime(timezone=True), comment="null: from the beginning of time"),
    Column("valid_to", DateTime(timezone=True), comment="null: until another is published"),
    Column("document", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("retired_at", DateTime(timezone=True)),
    CheckConstraint(
        "(status = 'draft' AND published_at IS NULL AND retired_at IS NULL)"
        " OR (status = 'published' AND published_at IS NOT NULL AND retired_at IS NULL)"
        " OR (status = 'retired' AND published_at IS NOT NULL AND retired_at IS NOT NULL AND valid_to IS NOT NULL)",
        name="earning_programme_status",
    ),
    CheckConstraint("valid_from < valid_to", name="earning_programme_validity"),
)
Index(
    "earning_programme_published",
    earning_programme.c.status,
    unique=True,
    postgresql_where=earning_programme.c.status == "published",
)

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
    Column("programme_version", Integer, comment="the version that judged it; null when none was valid"),
    Column("currency", Text),
    Column("refunds", JSONB, comment="every refund that is known, in the order they became so"),
    CheckConstraint("reversed BETWEEN 0 AND earned", name="order_earning_reversed"),
    CheckConstraint(
        "(customer_id IS NULL AND paid_at IS NULL AND total_minor IS NULL AND currency IS NULL AND earned = 0)"
        " OR (customer_id IS NOT NULL AND paid_at IS NOT NULL AND total_minor IS NOT NULL AND currency IS NOT NULL)",
        name="order_earning_paid",
    ),
)
