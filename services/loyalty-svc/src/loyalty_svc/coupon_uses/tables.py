"""What uses of coupons keep.

Every use that stands (reserved or redeemed) is counted on its code, on its customer and, where the coupon limits that,
on its pool, in the transaction that makes it stand or fall.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid

from loyalty_svc.metadata import metadata

RELEASE: Final = "coupons.release"
"""Timer: a reservation whose time is over; the key is the checkout's."""

coupon_use = Table(
    "coupon_use",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("checkout_id", Uuid, nullable=False, comment="the uses that were reserved together"),
    Column("code_id", Uuid, nullable=False),
    Column("pool_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("reserved_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="when the reservation ends by itself"),
    Column("redeemed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("goods_minor", BigInteger, nullable=False),
    Column("shipping_minor", BigInteger, nullable=False),
    Column("gift_quantity", Integer, nullable=False),
    Column("version", Integer, nullable=False, comment="of the coupon"),
    Column("state", Text(collation="C"), nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("coupon", Text(collation="C"), nullable=False),
    Column("currency", Text(collation="C"), nullable=False),
    Column("order_id", Text),
    Column("gift_sku", Text),
    Column("reason", Text),
    CheckConstraint(
        "(state = 'reserved' AND redeemed_at IS NULL AND ended_at IS NULL)"
        " OR (state = 'redeemed' AND redeemed_at IS NOT NULL AND ended_at IS NULL)"
        " OR (state = 'rolled_back' AND redeemed_at IS NOT NULL AND ended_at IS NOT NULL)"
        " OR (state IN ('released', 'timed_out') AND redeemed_at IS NULL AND ended_at IS NOT NULL)",
        name="coupon_use_state",
    ),
    Index("coupon_use_of_checkout", "checkout_id"),
    Index("coupon_use_of_code", "code_id", "id"),
    Index("coupon_use_of_customer", "customer_id", "id"),
)

coupon_customer = Table(
    "coupon_customer",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("uses", Integer, nullable=False, comment="that stand, over all versions of the coupon"),
    Column("coupon", Text(collation="C"), primary_key=True),
    CheckConstraint("uses >= 0", name="coupon_customer_uses"),
)

coupon_wrong_code = Table(
    "coupon_wrong_code",
    metadata,
    Column("principal", Text(collation="C"), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("tries", Integer, nullable=False),
)
