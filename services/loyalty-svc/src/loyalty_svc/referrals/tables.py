"""Who has which code, who brought whom, and who may be one person."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Table, Text, UniqueConstraint, Uuid

from loyalty_svc.metadata import metadata

referral_code: Final = Table(
    "referral_code",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("is_own", Boolean, nullable=False, comment="false: of a customer who was merged into him; it still works"),
    UniqueConstraint("customer_id", "code"),
    comment="one own code a customer: an exclusion constraint",
)

referral: Final = Table(
    "referral",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False, comment="who brought the friend"),
    Column("friend_id", Uuid, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, comment="the friend buys before"),
    Column("matures_at", DateTime(timezone=True), comment="the rewards are held until"),
    Column("decided_at", DateTime(timezone=True), nullable=False, comment="when its status became what it is"),
    Column("order_uid", Uuid, comment="the friend's order that counts"),
    Column("is_accepted", Boolean, nullable=False, comment="a friend is brought once: an exclusion constraint"),
    Column("code", Text, nullable=False),
    Column("rule", Text, nullable=False, comment="<code>@<version> of the programme it began with"),
    Column("status", Text(collation="C"), nullable=False),
    Column("reason", Text(collation="C")),
    Column("order_id", Text),
    Column("event_id", Text, comment="the event of that order"),
    CheckConstraint("status IN ('claimed', 'converted', 'rewarded', 'rejected')", name="referral_status"),
    CheckConstraint("(status = 'rejected') = (reason IS NOT NULL)", name="referral_reason"),
    CheckConstraint(
        "(status IN ('converted', 'rewarded')) <= (order_uid IS NOT NULL AND matures_at IS NOT NULL)",
        name="referral_order",
    ),
    UniqueConstraint("customer_id", "id"),
    UniqueConstraint("friend_id", "id"),
)

referral_twin: Final = Table(
    "referral_twin",
    metadata,
    Column("first_id", Uuid, primary_key=True),
    Column("second_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, comment="when they were seen to share an identifier"),
    CheckConstraint("first_id < second_id", name="referral_twin_order"),
    UniqueConstraint("second_id", "first_id"),
)
