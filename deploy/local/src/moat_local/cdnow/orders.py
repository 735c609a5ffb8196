"""From the file's rows to the raw facts that the public intake takes. Pure.

One row is one paid order, also those of $0.00 and several of one day. Columns: master id, sample id, yyyymmdd, number
of CDs, dollars. A row's number is its identity, so the same file with the same shift always gives identical facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any, Final

SOURCE: Final = "/demo/cdnow"
SYSTEM: Final = "cdnow"
CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Order:
    """One row of the file; `row` counts from 1, `customer` is the master id as written there."""

    row: int
    customer: str
    day: date
    quantity: int
    total_minor: int


def read_orders() -> list[Order]:
    """All rows of the packaged file, in its order."""
    text = resources.files(__package__).joinpath("CDNOW_sample.txt").read_text("ascii")
    return [parse(row, line) for row, line in enumerate(text.splitlines(), start=1) if line.strip()]


def parse(row: int, line: str) -> Order:
    """One line. Raises ValueError naming the row."""
    try:
        customer, _sample, day, quantity, dollars = line.split()
        minor = Decimal(dollars) * 100
        if minor != int(minor):
            raise ValueError("parts of a cent")
        return Order(row, customer, datetime.strptime(day, "%Y%m%d").date(), int(quantity), int(minor))  # noqa: DTZ007
    except ValueError as broken:
        raise ValueError(f"row {row} of the CDNOW sample: {broken}") from broken


def shift_to(orders: Sequence[Order], last_date: date) -> int:
    """By how many whole days all dates move so that the last order is on `last_date`."""
    return (last_date - max(order.day for order in orders)).days


def fact_of(order: Order, shift_days: int) -> dict[str, Any]:
    """The CloudEvent of one order, paid at 12:00 UTC of its shifted day."""
    at = datetime.combine(order.day + timedelta(days=shift_days), time(12), UTC)
    line = {"sku": "cd", "name": "CD", "category": "music", "quantity": order.quantity}
    return {
        "specversion": "1.0",
        "id": f"cdnow-{order.row}-paid",
        "source": SOURCE,
        "type": "moat.intake.order.paid.v1",
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "order_id": f"cdnow-{order.row}",
            "customer": [{"system": SYSTEM, "kind": "customer_id", "value": order.customer}],
            "currency": CURRENCY,
            "total_minor": order.total_minor,
            "lines": [{**line, "amount_minor": order.total_minor}],
        },
    }
