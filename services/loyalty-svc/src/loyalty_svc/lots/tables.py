"""What the lots keep.

A lot is what is left of one award in one spendable account type. It is written by the statement that writes the award
and changed only by whoever holds the lock of its account. `amount = remaining + reversed + expired + what was spent`.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text

from loyalty_svc.metadata import metadata

OPEN: Final = "remaining > 0"

lot = Table(
    "lot",
    metadata,
    Column("posting_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, comment="whose it is now; merges move it"),
    Column("earned_at", DateTime(timezone=True), nullable=False),
    Column("available_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), comment="null: never"),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False, server_default="0"),
    Column("expired", BigInteger, nullable=False, server_default="0"),
    Column(
        "expiries", Integer, nullable=False, server_default="0", comment="how often some of it expired or came back"
    ),
    Column("is_pending", Boolean, nullable=False, server_default="false"),
    Column("account_type", Text(collation="C"), primary_key=True),
    Column(
        "idle_days",
        Integer,
        comment="of a type that lives on activity: so many days without an award end it; 0: it only keeps others alive",
    ),
    CheckConstraint(
        "amount > 0 AND remaining >= 0 AND reversed >= 0 AND expired >= 0 AND remaining + reversed + expired <= amount",
        name="lot_parts",
    ),
    Index("lot_open", "customer_id", "account_type", "expires_at", postgresql_where=text(OPEN)),
    Index("lot_due", "expires_at", postgresql_where=text(OPEN)),
    Index(
        "lot_kept_by_activity",
        "customer_id",
        "account_type",
        "earned_at",
        postgresql_where=text("idle_days IS NOT NULL"),
    ),
    Index("lot_pending", "available_at", postgresql_where=text("is_pending")),
)
