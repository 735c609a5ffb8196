"""What the ledger keeps.

`posting` and `entry` only grow: triggers and missing rights refuse every other change. `account` is the running balance
of one customer in one account type, locked in (customer, type) order. Programme accounts appear in entries only: a
stored balance of theirs would be one hot row that every batch waits for, and the audit sums them.

Lots, holds and pending points come as tables of their own and columns with a constant default: a posting that earned is
where a lot begins, and `entry` gains a column saying in which part of the account it moved.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, SmallInteger, Table, Text, Uuid

from loyalty_svc.metadata import metadata

POINTS: Final = "points"
GROWTH: Final = "growth"

account = Table(
    "account",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("last_at", DateTime(timezone=True), nullable=False, comment="the latest instant among its postings"),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in (
            "available",
            "pending",
            "reserved",
            "earned_total",
            "spent_total",
            "expired_total",
            "reversed_total",
        )
    ),
    Column("type", Text(collation="C"), primary_key=True),
)

posting = Table(
    "posting",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when its cause happened in the world"),
    Column("cause_id", Uuid, nullable=False, comment="the order, or the customer who was merged away"),
    Column("seal", Uuid, nullable=False, comment="digest of the posting and its entries; the audit recomputes it"),
    Column("kind", Text(collation="C"), nullable=False),
    Column("cause_part", Text(collation="C"), nullable=False, comment="the rule that awarded, or the refund"),
    Column("reason", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("order_id", Text),
    Column("rule", Text, comment="<code>@<version> of the rule that decided"),
    Column("matched", Text, comment="the conditions that matched, as JSON pointers into the rule"),
    CheckConstraint(
        "kind IN ('earned', 'reversed', 'spent', 'expired', 'adjusted', 'transferred')", name="posting_kind"
    ),
    Index("posting_once", "cause_id", "kind", "cause_part", unique=True),
    Index("posting_of_customer", "customer_id", "id"),
)

entry = Table(
    "entry",
    metadata,
    Column("posting_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, comment="whose account; null on a programme account"),
    Column("amount", BigInteger, nullable=False),
    Column("balance_after", BigInteger, comment="of the customer's account"),
    Column("leg", SmallInteger, primary_key=True, autoincrement=False),
    Column("account_type", Text(collation="C"), nullable=False),
    Column("programme", Text(collation="C"), comment="which programme account; null on a customer's"),
    CheckConstraint("amount <> 0", name="entry_amount"),
    CheckConstraint(
        "(programme IS NULL AND customer_id IS NOT NULL AND balance_after IS NOT NULL)"
        " OR (programme IN ('liability', 'breakage', 'compensation')"
        " AND customer_id IS NULL AND balance_after IS NULL)",
        name="entry_owner",
    ),
)
