"""The heart of orders: what one more fact makes of an order. Pure.

An order is `(source, order_id)`. The same facts in any order end in the same order: each stage keeps its own instant,
amounts are those of the payment once there is one (before it those of the earliest placing), refunds are kept by their
id and count once the order is paid, and never take back more than was given. An order belongs to the customer who paid
it; until then to the one whom its earliest fact names.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from moat.kit.problems import Conflict

ORDERS: Final = UUID("5b3c3c0e-6a51-5f0e-9d5c-7a2f2b9f8d11")
"""The UUID namespace of order names."""
REFUNDS_MAX: Final = 1000
"""Refunds of one order; one more is refused."""

Stage = Literal["placed", "paid", "shipped", "delivered", "delayed", "cancelled", "refunded"]
Status = Literal["expected", "placed", "paid", "shipped", "delivered", "cancelled", "refunded"]


class AlreadyPaid(Conflict):
    """A second payment of one order with another total."""

    code, title = "order.already_paid", "This order was paid already, with another total"


class AlreadyRefunded(Conflict):
    """A second refund of one id with another amount."""

    code, title = "order.already_refunded", "This refund was recorded already, with another amount"


class TooManyRefunds(Conflict):
    """An order has more refunds than anybody makes."""

    code, title = "order.too_many_refunds", f"An order has at most {REFUNDS_MAX} refunds"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back."""

    currency: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A fact about an order. `lines` are JSON objects as sent; amounts come with placed, paid and refunded.

    stamp: sorts facts by when they happened, and those of one instant by name.
    """

    stage: Stage
    at: datetime
    customer_id: UUID
    stamp: str
    currency: str | None = None
    total_minor: int | None = None
    lines: Sequence[Mapping[str, Any]] = ()
    channel: str | None = None
    promised_at: datetime | None = None
    refund_id: str | None = None
    amount_minor: int = 0


@dataclass(slots=True)
class Order:
    """The state of one order. All instants are aware UTC; amounts are minor units of `currency`."""

    uid: UUID
    source: str
    order_id: str
    customer_id: UUID
    currency: str | None = None
    total_minor: int | None = None
    lines: Sequence[Mapping[str, Any]] = ()
    channel: str | None = None
    placed_at: datetime | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    delayed_at: datetime | None = None
    promised_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)
    named_by: str | None = None
    """The stamp of the fact that says whose order it is, while no payment does."""
    is_new: bool = False

    @property
    def refund_currency(self) -> str | None:
        """The currency that `refunded_minor` is in: the order's, or while that is unknown the first of the refunds'."""
        return self.currency or min((refund.currency for refund in self.refunds.values()), default=None)

    @property
    def refunded_minor(self) -> int:
        """What went back in the order's currency, also where that is more than was paid. Others have no effect."""
        currency = self.refund_currency
        return sum(refund.amount_minor for refund in self.refunds.values() if refund.currency == currency)

    @property
    def spent_minor(self) -> int:
        """What this order adds to what its customer has spent: nothing until it is paid, never less than nothing."""
        if self.paid_at is None or self.total_minor is None:
            return 0
        return self.total_minor - min(self.refunded_minor, self.total_minor)

    @property
    def status(self) -> Status:
        """Where it stands; `expected` when all that is known is what must have come later."""
        if self.paid_at is not None and self.refunds and self.spent_minor == 0 and self.total_minor:
            return "refunded"
        stages: Sequence[tuple[datetime | None, Status]] = (
            (self.cancelled_at, "cancelled"),
            (self.delivered_at, "delivered"),
            (self.shipped_at, "shipped"),
            (self.paid_at, "paid"),
            (self.placed_at, "placed"),
        )
        return next((status for at, status in stages if at is not None), "expected")

    @property
    def is_only_paid(self) -> bool:
        """Nothing is known of it but its payment."""
        others = (self.placed_at, self.shipped_at, self.delivered_at, self.delayed_at, self.cancelled_at)
        return self.paid_at is not None and not self.refunds and others == _NOTHING

    @property
    def at(self) -> datetime:
        """Its place among the customer's orders: when it was paid, else placed, else the first that is known."""
        known = (self.shipped_at, self.delivered_at, self.delayed_at, self.cancelled_at)
        others = [at for at in known if at is not None] + [refund.at for refund in self.refunds.values()]
        first = self.paid_at or self.placed_at
        return first if first is not None else min(others)


_NOTHING: Final = (None,) * 5


def order_uid(source: str, order_id: str) -> UUID:
    """The id of an order, the same whatever is heard of it first."""
    return uuid5(ORDERS, f"{source}\n{order_id}")


def fold(order: Order, change: Change) -> bool:
    """Take one more fact into the order; whether it is news to others.

    Raises AlreadyPaid, AlreadyRefunded or TooManyRefunds, and leaves the order as it was then.
    """
    is_news = _STAGES[change.stage](order, change)
    if order.paid_at is None and (order.named_by is None or change.stamp < order.named_by):
        order.customer_id, order.named_by = change.customer_id, change.stamp
    return is_news


def _place(order: Order, change: Change) -> bool:
    is_news = order.placed_at is None
    if order.paid_at is None and (order.placed_at is None or _placing(change) < _placing_of(order)):
        _take_amounts(order, change)
    order.placed_at = _earlier(order.placed_at, change.at)
    return is_news


def _pay(order: Order, change: Change) -> bool:
    if order.paid_at is not None:
        if (order.total_minor, order.currency) != (change.total_minor, change.currency):
            raise AlreadyPaid(order_uid=str(order.uid), total_minor=order.total_minor, currency=order.currency)
        return False
    _take_amounts(order, change)
    order.paid_at, order.named_by = change.at, None
    order.customer_id = change.customer_id
    return True


def _refund(order: Order, change: Change) -> bool:
    assert change.refund_id is not None
    assert change.currency is not None
    refund = Refund(change.currency, change.amount_minor, change.at)
    known = order.refunds.get(change.refund_id)
    if known is not None:
        if (known.currency, known.amount_minor) != (refund.currency, refund.amount_minor):
            raise AlreadyRefunded(order_uid=str(order.uid), refund_id=change.refund_id)
        if refund.at < known.at:
            order.refunds[change.refund_id] = refund
        return False
    if len(order.refunds) >= REFUNDS_MAX:
        raise TooManyRefunds(order_uid=str(order.uid))
    order.refunds[change.refund_id] = refund
    return True


def _ship(order: Order, change: Change) -> bool:
    order.shipped_at = _earlier(order.shipped_at, change.at)
    return True


def _deliver(order: Order, change: Change) -> bool:
    order.delivered_at = change.at if order.delivered_at is None else max(order.delivered_at, change.at)
    return True


def _delay(order: Order, change: Change) -> bool:
    # A delay without a promise is the weaker word of the same instant.
    if order.delayed_at is None or _delaying(change.at, change.promised_at) > _delaying(
        order.delayed_at, order.promised_at
    ):
        order.delayed_at, order.promised_at = change.at, change.promised_at
    return True


def _cancel(order: Order, change: Change) -> bool:
    is_news = order.cancelled_at is None
    order.cancelled_at = _earlier(order.cancelled_at, change.at)
    return is_news


_STAGES: Final = {
    "placed": _place,
    "paid": _pay,
    "shipped": _ship,
    "delivered": _deliver,
    "delayed": _delay,
    "cancelled": _cancel,
    "refunded": _refund,
}


def _take_amounts(order: Order, change: Change) -> None:
    order.currency, order.total_minor = change.currency, change.total_minor
    order.lines, order.channel = change.lines, change.channel


def _placing(change: Change) -> tuple[datetime, str]:
    return change.at, _content(change.currency, change.total_minor, change.lines, change.channel)


def _placing_of(order: Order) -> tuple[datetime, str]:
    assert order.placed_at is not None
    return order.placed_at, _content(order.currency, order.total_minor, order.lines, order.channel)


def _content(*values: object) -> str:
    # Two placings of one instant are told apart by what they say, so that either order of arrival ends the same.
    return json.dumps(values, sort_keys=True)


def _delaying(at: datetime, promised_at: datetime | None) -> tuple[datetime, bool, float]:
    return at, promised_at is not None, promised_at.timestamp() if promised_at is not None else 0.0


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
