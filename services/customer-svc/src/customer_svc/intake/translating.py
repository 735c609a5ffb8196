"""From raw facts to what the hearts take, and to the canonical events that others get: ids instead of addresses."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from customer_svc.intake.facts import Fact, counted_at, identifiers_of
from customer_svc.orders.folding import Change, Order, Stage, order_uid
from customer_svc.profiles.folding import stamp_of
from customer_svc.profiles.writing import kept
from moat.contracts import intake as raw
from moat.contracts import orders
from moat.kit.events import Event, EventData

STAGES: Final[Mapping[str, Stage]] = {
    raw.RawOrderPlaced.TYPE: "placed",
    raw.RawOrderPaid.TYPE: "paid",
    raw.RawOrderShipped.TYPE: "shipped",
    raw.RawOrderDelivered.TYPE: "delivered",
    raw.RawOrderDelayed.TYPE: "delayed",
    raw.RawOrderCancelled.TYPE: "cancelled",
    raw.RawOrderRefunded.TYPE: "refunded",
}


def fact_of(event: Event[raw.RawFact], now: datetime) -> Fact:
    """The fact in an event of the intake. Raises TimeInFuture."""
    at = counted_at(event.time, now)
    data = event.data
    identifiers = identifiers_of([(one.system, one.kind, one.value) for one in data.customer])
    fact = Fact(
        source=event.source,
        event_id=event.id,
        type=event.type,
        at=at,
        stamp=stamp_of(at, event.source, event.id),
        identifiers=identifiers,
    )
    if not identifiers:
        fact.data = data.model_dump_json(exclude_unset=True)
    elif isinstance(data, raw.RawOrderFact):
        fact.order_uid = order_uid(data.order_source or event.source, data.order_id)
    return fact


def change_of(fact: Fact, data: raw.RawOrderFact, customer_id: UUID) -> Change:
    """What a fact says of its order."""
    stage = STAGES[fact.type]
    if isinstance(data, raw.RawOrderAmounts):
        return Change(
            stage,
            fact.at,
            customer_id,
            fact.stamp,
            currency=data.currency,
            total_minor=data.total_minor,
            lines=[_plain(line) for line in data.lines],
            channel=data.channel,
        )
    if isinstance(data, raw.RawOrderRefunded):
        return Change(
            stage,
            fact.at,
            customer_id,
            fact.stamp,
            currency=data.currency,
            refund_id=data.refund_id,
            amount_minor=data.amount_minor,
        )
    promised_at = data.promised_at if isinstance(data, raw.RawOrderDelayed) else None
    return Change(stage, fact.at, customer_id, fact.stamp, promised_at=promised_at)


def announcement_of(order: Order, data: raw.RawOrderFact) -> EventData:
    """The canonical event of an order's fact."""
    build = _CANONICAL[type(data)]
    return build(data, {"order_uid": order.uid, "order_source": order.source, "order_id": order.order_id})


def told_of(order: Order, data: raw.RawOrderFact) -> dict[str, Any]:
    """What the timeline keeps of an order's fact."""
    told: dict[str, Any] = {"order_id": order.order_id, "source": order.source}
    for name, value in data.__dict__.items():
        if name in _TOLD and value is not None:
            told[name] = value.isoformat() if isinstance(value, datetime) else value
    return told


def fields_of(data: raw.RawProfileUpdated) -> dict[str, Any]:
    """What a fact writes into a file, as it is kept. Raises ProfileInvalid."""
    profile = data.profile
    return kept({name: getattr(profile, name) for name in profile.model_fields_set}, pointer="/data/profile")


_TOLD: Final = frozenset(
    {
        "currency",
        "total_minor",
        "refund_id",
        "amount_minor",
        "channel",
        "carrier",
        "tracking_number",
        "promised_at",
        "reason",
    }
)


def _plain(line: raw.RawLine) -> dict[str, Any]:
    return {name: value for name, value in line.__dict__.items() if value is not None}


# Everything here was checked when the raw fact was read, so the payloads are built without checking again.
def _lines(lines: tuple[raw.RawLine, ...]) -> tuple[orders.Line, ...]:
    return tuple(orders.Line.model_construct(**line.__dict__) for line in lines)


def _with_amounts(cls: type[orders.OrderPlaced | orders.OrderPaid]) -> Callable[[Any, dict[str, Any]], EventData]:
    def build(data: raw.RawOrderAmounts, names: dict[str, Any]) -> EventData:
        return cls.model_construct(
            **names,
            currency=data.currency,
            total_minor=data.total_minor,
            lines=_lines(data.lines),
            channel=data.channel,
        )

    return build


def _refunded(data: raw.RawOrderRefunded, names: dict[str, Any]) -> EventData:
    return orders.OrderRefunded.model_construct(
        **names,
        refund_id=data.refund_id,
        currency=data.currency,
        amount_minor=data.amount_minor,
        lines=_lines(data.lines),
    )


_CANONICAL: Final[Mapping[type[raw.RawOrderFact], Callable[[Any, dict[str, Any]], EventData]]] = {
    raw.RawOrderPlaced: _with_amounts(orders.OrderPlaced),
    raw.RawOrderPaid: _with_amounts(orders.OrderPaid),
    raw.RawOrderShipped: lambda data, names: orders.OrderShipped(**names, carrier=data.carrier),
    raw.RawOrderDelivered: lambda data, names: orders.OrderDelivered(**names, carrier=data.carrier),
    raw.RawOrderDelayed: lambda data, names: orders.OrderDelayed(
        **names, promised_at=data.promised_at, reason=data.reason
    ),
    raw.RawOrderCancelled: lambda data, names: orders.OrderCancelled(**names, reason=data.reason),
    raw.RawOrderRefunded: _refunded,
}
