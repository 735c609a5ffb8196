"""Accepted by the gateway → points visible, at 100 orders a second on Kafka; open loop: a slow answer delays nobody."""

import asyncio
import time
from collections import deque
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
import asyncpg

from bench.house import House, a_house
from bench.results import Claim, Result, percentile

PER_SECOND = 100
SECONDS = 30
WARM_UP_SECONDS = 15
LOOK_EVERY_SECONDS = 0.004
LOOK_BACK = 60
"""Postings: a batch may commit ids that are a little older than the newest seen."""


async def run() -> Result:
    result = Result("latency")
    with a_house("kafka") as house:
        visible, accepted = await measure(house)
    waits = sorted(
        (visible[order] - at) * 1000
        for order, at in accepted.items()
        if order in visible and int(order.rpartition("-")[2]) >= PER_SECOND * WARM_UP_SECONDS
    )
    result.notes = {"orders": len(accepted), "seen": len(visible)}
    for share, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99")):
        result.add(f"accepted → points visible, {name} (ms)", percentile(waits, share))
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    result.claim(Claim("p50", p50, "ms", aim=20, higher_is_better=False))
    result.claim(Claim("p99", p99, "ms", at_least=150, aim=60, higher_is_better=False))
    return result


async def measure(house: House) -> tuple[dict[str, float], dict[str, float]]:
    """When each order's points could be read, and when its 202 had come (monotonic seconds)."""
    visible: dict[str, float] = {}
    accepted: dict[str, float] = {}
    stop = asyncio.Event()
    watching = asyncio.create_task(watch(house, visible, stop))
    async with aiohttp.ClientSession(headers=house.headers("intake")) as session:
        began = time.monotonic()
        posts = []
        for number in range(PER_SECOND * (SECONDS + WARM_UP_SECONDS)):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            posts.append(asyncio.create_task(post(session, house, number, accepted)))
        await asyncio.gather(*posts)
    await house.settle()
    stop.set()
    await watching
    if missing := accepted.keys() - visible.keys():
        raise RuntimeError(f"{len(missing)} orders were accepted and gave no points: {sorted(missing)[:5]}")
    return visible, accepted


async def post(session: aiohttp.ClientSession, house: House, number: int, accepted: dict[str, float]) -> None:
    order = f"latency-{number}"
    event = {
        "specversion": "1.0",
        "id": order,
        "source": "/shops/bench",
        "type": "moat.intake.order.paid.v1",
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "order_id": order,
            "customer": [{"system": "bench", "kind": "customer_id", "value": f"member-{number % 2000}"}],
            "currency": "CNY",
            "total_minor": 12_345,
        },
    }
    headers = {"Content-Type": "application/cloudevents+json"}
    async with session.post(f"{house.url}/v1/events", json=event, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        await answer.read()
        accepted[order] = time.monotonic()


async def watch(house: House, visible: dict[str, float], stop: asyncio.Event) -> None:
    """Look for new postings all the time; ids grow with time, so a look reads the newest only and costs little."""
    connection = await asyncpg.connect(house.ready["databases"]["loyalty-svc"])
    newest = await connection.prepare("SELECT id, order_id FROM posting WHERE id > $1 ORDER BY id")
    since, recent = UUID(int=0), deque[UUID](maxlen=LOOK_BACK)
    while True:
        last_look = stop.is_set()
        for id_, order in await newest.fetch(since):
            if order not in visible:
                visible[order] = time.monotonic()
                recent.append(id_)
        if len(recent) == LOOK_BACK:
            since = max(since, min(recent))
        if last_look:
            break
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(run()).finish()
