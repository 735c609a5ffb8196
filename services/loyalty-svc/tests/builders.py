"""Short ways to say what happened to a customer."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event
from moat.kit.testing.events import TODAY


def at(days: float) -> datetime:
    """An instant so many days after the first of all."""
    return TODAY - timedelta(days=100) + timedelta(days=days)


def a_customer(id: UUID | None = None) -> Event[Any]:
    return an_event(CustomerCreated(), about=id or uuid7(), time=at(0))


def paid(
    about: UUID, total_minor: int, *, order: UUID | None = None, currency: str = "CNY", day: float = 1
) -> Event[Any]:
    uid = order or uuid7()
    data = OrderPaid(
        order_uid=uid, order_source="/shops/main", order_id=f"o-{uid}", currency=currency, total_minor=total_minor
    )
    return an_event(data, about=about, time=at(day))


def refunded(
    about: UUID, order: UUID, amount_minor: int, *, refund: str = "r-1", currency: str = "CNY", day: float = 2
) -> Event[Any]:
    data = OrderRefunded(
        order_uid=order,
        order_source="/shops/main",
        order_id=f"o-{order}",
        refund_id=refund,
        currency=currency,
        amount_minor=amount_minor,
    )
    return an_event(data, about=about, time=at(day))


def merged(from_id: UUID, into: UUID, *, day: float = 50) -> Event[Any]:
    return an_event(CustomerMerged(from_id=from_id), about=into, time=at(day))


def parted(merge: Event[Any], *orders: UUID, formers: tuple[UUID, ...] = (), day: float = 60) -> Event[Any]:
    """The split that undoes a merge; `orders` are the paid ones of who parts again."""
    data = CustomerSplit(from_id=merge.data.from_id, merge_id=UUID(merge.id), former_ids=formers, order_uids=orders)
    return an_event(data, about=UUID(merge.key), time=at(day))


def again(event: Event[Any]) -> Event[Any]:
    """The event as it was sent: what is delivered is changed by following merges."""
    return replace(event, subject_id=UUID(event.key))
