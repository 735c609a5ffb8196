"""What rewards keep.

A redemption is one row from the shelf to the customer's hands. `reward_shelf` counts the pieces that are gone where a
reward has a stock, by conditional updates only: the last piece goes to one.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid

from loyalty_svc.metadata import metadata

RELEASE: Final = "rewards.release"
"""Timer: a reservation whose time is over; the key is the redemption's."""

reward_shelf = Table(
    "reward_shelf",
    metadata,
    Column("taken", BigInteger, nullable=False, comment="pieces that are gone, over all versions"),
    Column("reward", Text(collation="C"), primary_key=True),
    CheckConstraint("taken >= 0", name="reward_shelf_taken"),
)

reward_redemption = Table(
    "reward_redemption",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("hold_id", Uuid, comment="the points that are put aside while it is reserved"),
    Column("code_id", Uuid, comment="the coupon that was given for it"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), comment="when the reservation ends by itself"),
    Column("redeemed_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("fulfilled_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("points", BigInteger, nullable=False, comment="for all pieces"),
    Column("money_minor", BigInteger, nullable=False, comment="for all pieces, 0 where it costs points alone"),
    Column("version", Integer, nullable=False, comment="of the reward"),
    Column("quantity", Integer, nullable=False),
    Column("is_from_shelf", Boolean, nullable=False, comment="whether its pieces were counted"),
    Column("state", Text(collation="C"), nullable=False),
    Column("reward", Text(collation="C"), nullable=False),
    Column("kind", Text(collation="C"), nullable=False),
    Column("account_type", Text(collation="C"), nullable=False),
    Column("money_currency", Text(collation="C")),
    Column("coupon_code", Text(collation="C")),
    Column("order_id", Text, comment="the shop's, where money was paid beside the points"),
    Column("reference", Text, comment="of the parcel, the appointment, the receipt"),
    Column("reason", Text, comment="why it was cancelled or refunded"),
    CheckConstraint("quantity > 0 AND points > 0", name="reward_redemption_amounts"),
    CheckConstraint("(money_minor > 0) = (money_currency IS NOT NULL)", name="reward_redemption_money"),
    CheckConstraint(
        "(state = 'reserved' AND until IS NOT NULL AND redeemed_at IS NULL AND ended_at IS NULL)"
        " OR (state IN ('cancelled', 'timed_out') AND redeemed_at IS NULL AND ended_at IS NOT NULL)"
        " OR (state IN ('redeemed', 'sent', 'fulfilled') AND redeemed_at IS NOT NULL AND ended_at IS NULL"
        " AND (state = 'fulfilled') = (fulfilled_at IS NOT NULL))"
        " OR (state = 'refunded' AND redeemed_at IS NOT NULL AND ended_at IS NOT NULL)",
        name="reward_redemption_state",
    ),
    Index("reward_redemption_of_customer", "customer_id", "id"),
    Index("reward_redemption_by_state", "state", "id"),
)
