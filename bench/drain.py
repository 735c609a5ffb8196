"""Loyalty takes 100,000 canonical orders from Kafka: the whole worker, against the bare loop and one by one."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.orders import canonical_orders
from bench.results import Claim, Result
from bench.stage import Stage, a_process, a_stage, produce, the_log, until
from moat.kit.db.provision import DatabaseUrls
from moat.kit.messaging.log import PARTITIONS

EVENTS = 100_000
ONE_BY_ONE_EVENTS = 4_000
RUNS = 3
BETWEEN_FIRST_AND_LAST = """
SELECT count(*) FILTER (WHERE at < last) / extract(epoch FROM max(last) - min(at))
FROM inbox, (SELECT max(at) AS last FROM inbox) AS ending
"""


async def run() -> Result:
    """Interleaved: bare, ours, one by one; three times; medians."""
    result = Result("drain")
    with a_stage() as stage:
        async with the_log(stage) as log:
            await produce(log, canonical_orders(EVENTS))
        for number in range(RUNS):
            result.add("bare loop, 500 a batch (events/s)", bare(stage, EVENTS, 500))
            result.add("loyalty-svc worker (events/s)", await ours(stage, number))
            result.add("one transaction per event (events/s)", bare(stage, ONE_BY_ONE_EVENTS, 1))
    mine = result.median("loyalty-svc worker (events/s)")
    result.claim(Claim("loyalty ÷ bare loop", mine / result.median("bare loop, 500 a batch (events/s)"), "×", 0.3, 0.6))
    result.claim(
        Claim("loyalty ÷ one by one", mine / result.median("one transaction per event (events/s)"), "×", 10, 10)
    )
    return result


def bare(stage: Stage, count: int, batch: int) -> float:
    """Events per second of the baseline."""
    command = [sys.executable, "-m", "bench.bare", stage.kafka.bootstrap, stage.postgres.url(), str(count), str(batch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return count / float(done.stdout)


async def ours(
    stage: Stage, number: int, prepare: Callable[[DatabaseUrls], Awaitable[None]] | None = None, events: int = EVENTS
) -> float:
    """Events per second of a real worker process, relay and all, from its first transaction to its last.

    prepare: what is done with the fresh database before the worker starts.
    """
    urls = await stage.database("loyalty", number)
    if prepare is not None:
        await prepare(urls)
    watch = await asyncpg.connect(urls.owner)
    # Each run is the same group on the same records: it goes back to the beginning.
    await forget_offsets(stage, "loyalty-svc")

    async def all_taken() -> bool:
        return int(await watch.fetchval("SELECT count(*) FROM inbox")) >= events

    with a_process(
        *("-m", "loyalty_svc", "--role", "worker"),
        LOYALTY_DATABASE_URL=urls.app,
        MOAT_EVENTS_URL=stage.events_url,
        MOAT_GATEWAY_URL="http://127.0.0.1:1",
        MOAT_LOG_LEVEL="warning",
    ):
        await until(all_taken, every=0.5)
    # The inbox keeps when each transaction began; what the last one took is not counted, as its end is not known.
    speed = await watch.fetchval(BETWEEN_FIRST_AND_LAST)
    await watch.close()
    return float(speed)


async def forget_offsets(stage: Stage, group: str) -> None:
    """Send a group that nobody is in back to the beginning."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stage.kafka.bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition("moat.orders", number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


if __name__ == "__main__":
    began = time.monotonic()
    asyncio.run(run()).finish()
    print(f"  took {time.monotonic() - began:.0f} s")
