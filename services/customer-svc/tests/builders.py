"""Raw facts for tests, each a short call."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from moat.contracts import intake
from moat.kit.events import Event
from moat.kit.testing.events import an_event

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SHOP = "/shops/main"
_numbers = count()


def named(*names: str) -> list[dict[str, str]]:
    """`main/customer_id/7` or, for kinds of one space, `phone/+86…`."""
    found = []
    for name in names:
        parts = name.split("/", 2)
        system, kind, value = parts if len(parts) == 3 else ("main", *parts)
        found.append({"system": system, "kind": kind, "value": value})
    return found


def a_fact(
    cls: type[intake.RawFact], *names: str, day: float = 0, id: str | None = None, source: str = SHOP, **data: Any
) -> Event[Any]:
    payload = cls.model_validate({"customer": named(*names), **data})
    return an_event(payload, id=id or f"f-{next(_numbers)}", source=source, time=NOON + timedelta(days=day), key="k")


def paid(order: str, *names: str, total: int = 1000, currency: str = "CNY", **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderPaid, *names, order_id=order, total_minor=total, currency=currency, **more)


def placed(order: str, *names: str, total: int = 1000, currency: str = "CNY", **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderPlaced, *names, order_id=order, total_minor=total, currency=currency, **more)


def refunded(
    order: str, *names: str, amount: int, refund: str = "r1", currency: str = "CNY", **more: Any
) -> Event[Any]:
    return a_fact(
        intake.RawOrderRefunded,
        *names,
        order_id=order,
        refund_id=refund,
        amount_minor=amount,
        currency=currency,
        **more,
    )


def shipped(order: str, *names: str, **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderShipped, *names, order_id=order, **more)


def delivered(order: str, *names: str, **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderDelivered, *names, order_id=order, **more)


def cancelled(order: str, *names: str, **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderCancelled, *names, order_id=order, **more)


def delayed(order: str, *names: str, **more: Any) -> Event[Any]:
    return a_fact(intake.RawOrderDelayed, *names, order_id=order, **more)


def activity(name: str, *names: str, properties: dict[str, Any] | None = None, **more: Any) -> Event[Any]:
    return a_fact(intake.RawActivityRecorded, *names, name=name, properties=properties or {}, **more)


def profile(fields: dict[str, Any], *names: str, **more: Any) -> Event[Any]:
    return a_fact(intake.RawProfileUpdated, *names, profile=fields, **more)
