"""Orders through all five services on Kafka: from `moat.intake` until nothing is under way, against the bare loop."""

import asyncio
import json
import random
import time
from datetime import UTC, datetime, timedelta

from bench.drain import bare
from bench.house import House, a_house
from bench.orders import canonical_orders
from bench.results import Claim, Result
from bench.stage import a_stage, produce, the_log
from moat.contracts.topics import RETENTION_MS
from moat.kit.messaging.log import Record
from moat.kit.messaging.opening import open_log

ORDERS = 100_000
"""As many as the bare loop takes; of 30,000 a seventh of the time was beginning and end, where half the house waits."""
RUNS = 3


def raw_orders(count: int, run: int, *, customers: int = 10_000) -> list[Record]:
    """`count` paid orders as a company's system writes them to the intake itself."""
    dice = random.Random(run)
    now = datetime.now(UTC).replace(microsecond=0)
    records = []
    for number in range(count):
        identifier = {"system": "bench", "kind": "customer_id", "value": str(dice.randrange(customers))}
        data = {
            "order_id": f"{run}-{number}",
            "customer": [identifier],
            "currency": "CNY",
            "total_minor": dice.randrange(100, 50_000),
            "lines": [],
        }
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"{run}-{number}",
            "ce_source": "/shops/bench",
            "ce_type": "moat.intake.order.paid.v1",
            "ce_time": (now - timedelta(days=dice.randrange(3, 400))).isoformat().replace("+00:00", "Z"),
            "content-type": "application/json",
        }
        packed = tuple((name, value.encode()) for name, value in headers.items())
        records.append(Record("moat.intake", identifier["value"].encode(), json.dumps(data).encode(), packed))
    return records


async def run() -> Result:
    """The bare loop first and last, the journeys between."""
    result = Result("journey")
    with a_stage() as stage:
        async with the_log(stage) as log:
            await produce(log, canonical_orders(ORDERS))
        for _ in range(2):
            result.add("bare loop, 500 a batch (events/s)", bare(stage, ORDERS, 500))
    with a_house("kafka") as house:
        for number in range(RUNS):
            result.add("whole house (orders/s)", await one_journey(house, number))
    with a_stage() as stage:
        async with the_log(stage) as log:
            await produce(log, canonical_orders(ORDERS))
        result.add("bare loop, 500 a batch (events/s)", bare(stage, ORDERS, 500))
    share = result.median("whole house (orders/s)") / result.median("bare loop, 500 a batch (events/s)")
    result.claim(Claim("whole house ÷ bare loop", share, "×", 0.08, 0.18))
    return result


async def one_journey(house: House, number: int) -> float:
    """Orders per second from the first record to the moment at which nothing is under way."""
    log = open_log(house.ready["events_url"], topics=RETENTION_MS)
    try:
        records = raw_orders(ORDERS, number)
        began = time.monotonic()
        await produce(log, records)
        ended = await house.settle()
    finally:
        await log.close()
    return ORDERS / (ended - began)


if __name__ == "__main__":
    asyncio.run(run()).finish()
