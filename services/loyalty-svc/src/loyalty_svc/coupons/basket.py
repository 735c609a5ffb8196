"""The heart's view of a basket: what conditions of coupons may ask about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from loyalty_svc.discounts.share import DISCOUNT_SHARE, FIELD
from moat.rules import Catalogue, Field, Instant, Lines, Money, Number, Text
from moat.rules.catalogue import LineField

LINE_FIELDS: Final[dict[str, LineField]] = {
    "sku": Text(),
    "category": Text(),
    "brand": Text(),
    "quantity": Number(whole=True),
    "amount_minor": Money(),
}
BASKET: Final = Catalogue(
    {
        "currency": Text(),
        "total_minor": Money(),
        "quantity": Number(whole=True),
        "shipping_minor": Money(),
        "channel": Text(),
        "tier": Text(),
        FIELD: DISCOUNT_SHARE,
        "at": Instant(),
        "lines": Lines(LINE_FIELDS),
    }
)
"""`total_minor` is the goods before coupons and without shipping; `tier` the member's tier code, null for a guest;
`discount_share` how many percent of his orders of the last year were bought with a coupon, null where he has none."""
_OF_A_LINE: Final[dict[str, Field]] = {**LINE_FIELDS}
BASKET_LINE: Final = Catalogue(_OF_A_LINE)
"""One line of it, for a coupon that counts some lines only."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `amount_minor` is the line's total before coupons."""

    amount_minor: int
    quantity: int = 1
    sku: str | None = None
    category: str | None = None
    brand: str | None = None

    def row(self) -> dict[str, Any]:
        """As conditions see it."""
        return {
            "sku": self.sku,
            "category": self.category,
            "brand": self.brand,
            "quantity": self.quantity,
            "amount_minor": self.amount_minor,
        }


@dataclass(frozen=True)
class Basket:
    """What is about to be bought, by whom and when."""

    currency: str
    lines: tuple[Line, ...]
    at: datetime
    shipping_minor: int = 0
    channel: str | None = None
    tier: str | None = None
    discount_share: int | None = None
    tier_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What tiers are called, by code and language, for what is said of the basket."""

    @cached_property
    def total_minor(self) -> int:
        """The goods before coupons, without shipping."""
        return sum(line.amount_minor for line in self.lines)

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """As conditions see it."""
        return {
            "currency": self.currency,
            "total_minor": self.total_minor,
            "quantity": sum(line.quantity for line in self.lines),
            "shipping_minor": self.shipping_minor,
            "channel": self.channel,
            "tier": self.tier,
            FIELD: self.discount_share,
            "at": self.at,
            "lines": [line.row() for line in self.lines],
        }
