"""Canonical orders for benches: 20,000 customers, amounts and dates spread, seeded."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from moat.contracts.orders import Line, OrderPaid
from moat.kit.messaging.log import Record

NAMESPACE = UUID("5f0c1d5e-6f2e-4b57-9d0a-0d6a2b3c4d5e")
CATEGORIES = ("books", "music", "toys", "food", "clothes", "shoes", "garden", "sport")
CHANNELS = ("app", "web", "store")


def canonical_orders(
    count: int, *, customers: int = 20_000, seed: int = 7, run: str = "", detailed: bool = False
) -> list[Record]:
    """`count` paid orders as customer-svc announces them; `detailed` ones have a channel and two lines."""
    dice = random.Random(seed)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    records = []
    for number in range(count):
        customer = uuid5(NAMESPACE, f"customer-{dice.randrange(customers)}")
        data = OrderPaid(
            order_uid=uuid5(NAMESPACE, f"order-{run}-{number}"),
            order_source="/shops/bench",
            order_id=f"o-{number}",
            currency="CNY",
            total_minor=dice.randrange(100, 50_000),
        )
        if detailed:
            data = data.model_copy(update=details(dice, data.total_minor))
        time = (began + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"bench-{run}-{number}",
            "ce_source": "/customer-svc",
            "ce_type": OrderPaid.TYPE,
            "ce_time": time,
            "ce_subject": str(customer),
            "ce_sequence": f"{number:019}",
            "content-type": "application/json",
        }
        packed = tuple((name, value.encode()) for name, value in headers.items())
        records.append(Record("moat.orders", str(customer).encode(), data.model_dump_json().encode(), packed))
    return records


def details(dice: random.Random, total_minor: int) -> dict[str, object]:
    """Where an order came from, and what it was of."""
    first = dice.randrange(total_minor + 1)
    lines = tuple(
        Line(sku=f"sku-{dice.randrange(500)}", category=dice.choice(CATEGORIES), amount_minor=amount)
        for amount in (first, total_minor - first)
    )
    return {"channel": dice.choice(CHANNELS), "lines": lines}
