"""Builders of order facts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event


def paid(
    about: UUID, at: datetime, minor: int = 1_000, *, currency: str = "CNY", order: UUID | None = None
) -> Event[Any]:
    order = order or uuid7()
    data = OrderPaid(
        order_uid=order, order_source="/shops/main", order_id=str(order), currency=currency, total_minor=minor
    )
    return an_event(data, about=about, time=at)


def refunded(of: Event[Any], at: datetime, minor: int, *, currency: str = "CNY", id: str = "r-1") -> Event[Any]:
    data = OrderRefunded(
        order_uid=of.data.order_uid,
        order_source=of.data.order_source,
        order_id=of.data.order_id,
        refund_id=id,
        currency=currency,
        amount_minor=minor,
    )
    return an_event(data, about=of.subject_id, time=at)


def created(about: UUID, at: datetime) -> Event[Any]:
    return an_event(CustomerCreated(locale="zh-CN"), about=about, time=at)


def merged(from_id: UUID, into: UUID, at: datetime) -> Event[Any]:
    return an_event(CustomerMerged(from_id=from_id), about=into, time=at)


def parted(merge: Event[Any], at: datetime, orders: list[Event[Any]]) -> Event[Any]:
    data = CustomerSplit(
        from_id=merge.data.from_id,
        merge_id=UUID(merge.id),
        order_uids=tuple(order.data.order_uid for order in orders),
    )
    return an_event(data, about=merge.about, time=at)
