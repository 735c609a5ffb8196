"""What checkouts keep: one row for what was put aside together; the hold and the coupon uses are where they belong."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid

from loyalty_svc.metadata import metadata

checkout = Table(
    "checkout",
    metadata,
    Column("id", Uuid, primary_key=True, comment="also the checkout of its coupon uses and the cause of its hold"),
    Column("customer_id", Uuid, nullable=False),
    Column("hold_id", Uuid, comment="the points; null where none were used"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="when it ends by itself"),
    Column("resolved_at", DateTime(timezone=True)),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            "goods_minor",
            "shipping_minor",
            "goods_off_minor",
            "shipping_off_minor",
            "points",
            "points_minor",
        )
    ),
    Column("codes", Integer, nullable=False, comment="how many coupons are in it"),
    Column("state", Text(collation="C"), nullable=False),
    Column("currency", Text(collation="C"), nullable=False),
    Column("account_type", Text(collation="C")),
    Column("payment", Text(collation="C"), comment="<code>@<version> of the terms by which points pay"),
    Column("order_id", Text, comment="the shop's"),
    CheckConstraint("state IN ('reserved', 'confirmed', 'cancelled')", name="checkout_state"),
    CheckConstraint("(state = 'reserved') = (resolved_at IS NULL)", name="checkout_resolved"),
    CheckConstraint(
        "(points > 0) = (hold_id IS NOT NULL) AND (points > 0) = (payment IS NOT NULL)"
        " AND (points > 0) = (account_type IS NOT NULL) AND (points > 0 OR codes > 0)",
        name="checkout_parts",
    ),
    CheckConstraint(
        "goods_off_minor + points_minor <= goods_minor AND shipping_off_minor <= shipping_minor"
        " AND least(goods_off_minor, points_minor, shipping_off_minor) >= 0",
        name="checkout_amounts",
    ),
    Index("checkout_of_customer", "customer_id", "id"),
)
