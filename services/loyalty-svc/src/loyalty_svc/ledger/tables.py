"""What the ledger keeps.

`posting` and `entry` only grow: triggers and missing rights refuse every other change. An entry is one amount between
two accounts (as a transfer of TigerBeetle is), so that both sides of double entry are one row and cannot disagree; the
view `leg` shows the two sides. `account` is the running balance of one customer in one account type, locked in
(customer, type) order. Programme accounts have no row: a stored balance of theirs would be one hot row that every batch
waits for; the audit sums them from the legs.

A posting belongs to whom it was made for, or where `parted_posting` names another to him; the view `owned_posting` says
whose each is.

An entry changes what an account holds in all (`balance_after`: available, pending and reserved together). What is left
of each award is in `lots`, what is put aside in `holds`; moving between the parts of an account is no posting.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, Text, Uuid, text

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
    Column("seal", BigInteger, nullable=False, comment="checksum; the audit recomputes it"),
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
    Column("customer_id", Uuid, nullable=False, comment="whose account gained, or lost where the amount is negative"),
    Column("other_id", Uuid, comment="the customer on the other side; null when that is the programme"),
    Column("amount", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False, comment="of the customer's account"),
    Column("seal", BigInteger, nullable=False, comment="checksum; the audit recomputes it"),
    Column("account_type", Text(collation="C"), primary_key=True),
    Column("programme", Text(collation="C"), comment="the programme account on the other side"),
    CheckConstraint("amount <> 0", name="entry_amount"),
    CheckConstraint(
        "(other_id IS NULL AND programme IN ('liability', 'breakage', 'compensation', 'loss'))"
        " OR (other_id <> customer_id AND programme IS NULL)",
        name="entry_sides",
    ),
    Index("entry_of_loser", "other_id", "posting_id", postgresql_where=text("other_id IS NOT NULL")),
)

parted_posting = Table(
    "parted_posting",
    metadata,
    Column("posting_id", Uuid, primary_key=True),
    Column(
        "customer_id", Uuid, nullable=False, comment="whose it is since a split; merges are followed when it is read"
    ),
    Index("parted_posting_of_customer", "customer_id"),
)
