"""The heart of a checkout: points and coupons that were put aside together, and the only ways that ends.

That its time is over is read from its instant: its hold and its coupons come back by their own timers, due then too,
and neither can be confirmed from then on.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from loyalty_svc.checkout.problems import CheckoutClosed

State = Literal["reserved", "confirmed", "cancelled"]
Status = Literal["reserved", "confirmed", "cancelled", "timed_out"]


@dataclass(frozen=True, slots=True)
class Checkout:
    """What was put aside for a basket; amounts in minor units of `currency`, as `table` has them.

    payment: `<code>@<version>` of the terms by which `points` of `account_type` pay `points_minor`; None without them.
    """

    id: UUID
    customer_id: UUID
    hold_id: UUID | None
    made_at: datetime
    until: datetime
    resolved_at: datetime | None
    goods_minor: int
    shipping_minor: int
    goods_off_minor: int
    shipping_off_minor: int
    points: int
    points_minor: int
    codes: int
    state: State
    currency: str
    account_type: str | None = None
    payment: str | None = None
    order_id: str | None = None

    @property
    def to_pay_minor(self) -> int:
        """What is left for money: goods and shipping, less coupons and points."""
        off = self.goods_off_minor + self.shipping_off_minor + self.points_minor
        return self.goods_minor + self.shipping_minor - off

    def status(self, now: datetime) -> Status:
        """What it is at an instant."""
        return "timed_out" if self.state == "reserved" and self.until <= now else self.state

    def confirmed(self, now: datetime, order_id: str | None) -> "Checkout":
        """It once the customer has paid. Raises CheckoutClosed unless it is still reserved."""
        if self.status(now) != "reserved":
            raise CheckoutClosed(checkout_status=self.status(now))
        return replace(self, state="confirmed", resolved_at=now, order_id=order_id or self.order_id)

    def cancelled(self, now: datetime) -> "Checkout":
        """It once the customer has turned back; the same if it is over. Raises CheckoutClosed once confirmed."""
        if self.state == "confirmed":
            raise CheckoutClosed(checkout_status=self.state)
        return self if self.status(now) != "reserved" else replace(self, state="cancelled", resolved_at=now)
