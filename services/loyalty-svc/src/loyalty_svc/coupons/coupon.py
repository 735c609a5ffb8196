"""The heart of coupons: what one version of a coupon takes off a basket. Rounding is down, to whole minor units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from loyalty_svc.coupons.basket import Basket
from loyalty_svc.discounts.share import asks
from moat.rules import Condition


@dataclass(frozen=True, slots=True)
class Worth:
    """What a coupon gives for a basket: off the goods, off the shipping, and a thing put in with them."""

    goods_minor: int = 0
    shipping_minor: int = 0
    gift_sku: str | None = None
    gift_quantity: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether nobody would notice it."""
        return self.goods_minor <= 0 and self.shipping_minor <= 0 and self.gift_sku is None


@dataclass(frozen=True, slots=True)
class AmountOff:
    """So much off the goods, never more than they cost."""

    currency: str
    amount_minor: int

    def worth(self, goods_minor: int, shipping_minor: int) -> Worth:
        """Of the goods it counts."""
        return Worth(goods_minor=min(self.amount_minor, goods_minor))


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A share of the goods in basis points (1 to 10,000), at most `ceiling_minor`; a ceiling has a currency."""

    basis_points: int
    currency: str | None = None
    ceiling_minor: int | None = None

    def worth(self, goods_minor: int, shipping_minor: int) -> Worth:
        """Of the goods it counts, rounded down."""
        share = goods_minor * self.basis_points // 10_000
        return Worth(goods_minor=share if self.ceiling_minor is None else min(share, self.ceiling_minor))


@dataclass(frozen=True, slots=True)
class FreeShipping:
    """The shipping for nothing, at most `ceiling_minor` of it."""

    currency: str | None = None
    ceiling_minor: int | None = None

    def worth(self, goods_minor: int, shipping_minor: int) -> Worth:
        """Of the shipping."""
        return Worth(
            shipping_minor=shipping_minor if self.ceiling_minor is None else min(shipping_minor, self.ceiling_minor)
        )


@dataclass(frozen=True, slots=True)
class Gift:
    """Something put in with the goods."""

    sku: str
    quantity: int
    currency: str | None = None

    def worth(self, goods_minor: int, shipping_minor: int) -> Worth:
        """The thing itself."""
        return Worth(gift_sku=self.sku, gift_quantity=self.quantity)


Benefit = AmountOff | PercentOff | FreeShipping | Gift
Stacking = Literal["alone", "with_others"]
State = Literal["usable", "not_begun", "expired", "used_up", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Coupon:
    """One version of a coupon, compiled. `names` and `terms` by language (zh-CN, en).

    `lines` narrows what is counted to some lines of the basket; None counts all. `group` holds coupons of which a
    basket takes one; `priority` decides which, the highest first.
    """

    code: str
    version: int
    names: Mapping[str, str]
    terms: Mapping[str, str] | None
    benefit: Benefit
    condition: Condition
    lines: Condition | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    valid_days: int | None = None
    uses_per_code: int | None = 1
    uses_per_customer: int | None = None
    uses_per_pool: int | None = None
    stacking: Stacking = "alone"
    group: str | None = None
    priority: int = 0

    @property
    def asks_about_discounts(self) -> bool:
        """Whether it asks how much the customer depends on discounts."""
        return asks(self.condition)

    def expires_at(self, issued_at: datetime) -> datetime | None:
        """When a code that is issued now can no longer be used: after its own days or at the coupon's end."""
        ends = [self.ends_at] if self.ends_at else []
        if self.valid_days is not None:
            ends.append(issued_at + timedelta(days=self.valid_days))
        return min(ends, default=None)

    def state_of(
        self, uses: int, expires_at: datetime | None, withdrawn_at: datetime | None, *, now: datetime
    ) -> State:
        """What a code of it is now, whatever is in a basket."""
        if withdrawn_at is not None:
            return "withdrawn"
        if self.uses_per_code is not None and uses >= self.uses_per_code:
            return "used_up"
        if expires_at is not None and expires_at <= now:
            return "expired"
        return "not_begun" if self.starts_at is not None and now < self.starts_at else "usable"

    def worth(self, basket: Basket, *, goods_left_minor: int, shipping_left_minor: int) -> Worth:
        """What it takes off what earlier coupons have left of the basket."""
        counted = basket.total_minor if self.lines is None else self._counted(self.lines, basket)
        return self.benefit.worth(min(counted, goods_left_minor), shipping_left_minor)

    def _counted(self, lines: Condition, basket: Basket) -> int:
        return sum(line.amount_minor for line in basket.lines if lines.matches(line.row(), now=basket.at))
