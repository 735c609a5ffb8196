"""What was reached, by whom, and what it gave; and what two had each reached who turned out to be one."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, Text, Uuid

from loyalty_svc.metadata import metadata

milestone_reached: Final = Table(
    "milestone_reached",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("plan", Text(collation="C"), primary_key=True),
    Column("period", Text(collation="C"), primary_key=True, comment="a year, or ever; a plan gives once in each"),
    Column("gift_id", Uuid, nullable=False, unique=True, comment="the cause of the posting"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was reached in the world"),
    Column("withdrawn_at", DateTime(timezone=True), comment="when its reason fell away and the gift was taken back"),
    Column("points", BigInteger, comment="null when it gave a coupon"),
    Column("code_id", Uuid, comment="of the coupon's code"),
    Column("by_orders", Text, comment="nth_order, amount_reached; null when a day came round"),
    Column("rule", Text, nullable=False, comment="<code>@<version>"),
    Column("account_type", Text),
    Column("coupon", Text),
    Column("event_id", Text, nullable=False, comment="the event that showed it"),
    CheckConstraint("points > 0", name="milestone_reached_points"),
    CheckConstraint(
        "(points IS NULL) = (account_type IS NULL) AND (points IS NULL) <> (coupon IS NULL)",
        name="milestone_reached_gift",
    ),
)

milestone_second: Final = Table(
    "milestone_second",
    metadata,
    Column("gift_id", Uuid, primary_key=True, comment="the other gift that he has: of one who was merged into him"),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="to whom it was given"),
    Column("plan", Text(collation="C"), nullable=False),
    Column("period", Text(collation="C"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("points", BigInteger),
    Column("code_id", Uuid),
    Column("by_orders", Text),
    Column("rule", Text, nullable=False),
    Column("account_type", Text),
    Column("coupon", Text),
    Column("event_id", Text, nullable=False),
    Index("milestone_second_of_customer", "customer_id", "plan", "period"),
)
