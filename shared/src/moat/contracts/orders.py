"""Orders, resolved to Moat's own customer (`about`) and to one `order_uid` whatever system reported on them."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from moat.contracts.amounts import AmountMinor, Currency
from moat.kit.events import EventData


class Line(EventData):
    """One line of an order or a refund; `amount_minor` is the line's total, not the unit price."""

    TYPE = TOPIC = ""
    sku: str | None = None
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    quantity: Annotated[int, Field(ge=1)] = 1
    amount_minor: AmountMinor


class OrderFact(EventData):
    """What every event of an order says."""

    TOPIC: ClassVar[str] = "moat.orders"
    AGGREGATE_ID: ClassVar[str | None] = "order_uid"
    order_uid: UUID
    order_source: str
    """The shop's CloudEvents source; with `order_id` it is the order's outside name."""
    order_id: str


class OrderPlaced(OrderFact):
    """An order was placed, not yet paid."""

    TYPE = "moat.order.placed.v1"
    currency: Currency
    total_minor: AmountMinor
    lines: tuple[Line, ...] = ()
    channel: str | None = None


class OrderPaid(OrderFact):
    """An order was paid; `time` is when. There is one for each order."""

    TYPE = "moat.order.paid.v1"
    currency: Currency
    total_minor: AmountMinor
    lines: tuple[Line, ...] = ()
    channel: str | None = None


class OrderShipped(OrderFact):
    """An order left the house."""

    TYPE = "moat.order.shipped.v1"
    carrier: str | None = None


class OrderDelivered(OrderFact):
    """An order arrived."""

    TYPE = "moat.order.delivered.v1"
    carrier: str | None = None


class OrderDelayed(OrderFact):
    """An order will be late."""

    TYPE = "moat.order.delayed.v1"
    promised_at: datetime | None = None
    reason: str | None = None


class OrderCancelled(OrderFact):
    """An order was cancelled; money returns by `OrderRefunded` only."""

    TYPE = "moat.order.cancelled.v1"
    reason: str | None = None


class OrderRefunded(OrderFact):
    """Money went back, for the whole or a part; it may arrive before the order itself."""

    TYPE = "moat.order.refunded.v1"
    refund_id: str
    currency: Currency
    amount_minor: Annotated[AmountMinor, Field(gt=0)]
    lines: tuple[Line, ...] = ()


EVENTS = (OrderPlaced, OrderPaid, OrderShipped, OrderDelivered, OrderDelayed, OrderCancelled, OrderRefunded)
