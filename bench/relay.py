"""Insert → on Kafka: from the commit of an outbox row to the record in a consumer's hands, at 200 events a second."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from bench.results import Claim, Result, percentile
from bench.stage import Stage, a_stage
from moat.contracts.loyalty import MemberEnrolled
from moat.contracts.topics import RETENTION_MS
from moat.kit.db.database import Database
from moat.kit.ids import uuid7
from moat.kit.messaging.opening import open_log
from moat.kit.messaging.relay import Relay

PER_SECOND = 200
SECONDS = 20
WARM_UP_SECONDS = 8
"""Until every partition has a leader and every statement is prepared."""


async def run() -> Result:
    result = Result("relay")
    with a_stage() as stage:
        waits = await measure(stage)
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    result.add("insert → on Kafka, p50 (ms)", p50)
    result.add("insert → on Kafka, p99 (ms)", p99)
    result.claim(Claim("p50", p50, "ms", aim=30, higher_is_better=False))
    result.claim(Claim("p99", p99, "ms", aim=150, higher_is_better=False))
    return result


async def measure(stage: Stage) -> list[float]:
    """Milliseconds from commit to arrival of each event after the warm-up."""
    urls = await stage.database("loyalty")
    log = open_log(stage.events_url, topics=RETENTION_MS)
    await log.ensure_topics()
    db = Database.connect(urls.app, name="loyalty-svc")
    relay = Relay("loyalty-svc", db, log)
    relaying = asyncio.create_task(relay.run())
    committed: dict[str, float] = {}
    arrived: dict[str, float] = {}
    consumer = AIOKafkaConsumer("moat.loyalty", bootstrap_servers=stage.kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    reading = asyncio.create_task(read(consumer, arrived))
    began = time.monotonic()
    try:
        for number in range(PER_SECOND * (WARM_UP_SECONDS + SECONDS)):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            async with db.transaction() as tx:
                id_: UUID = tx.publish(MemberEnrolled(), about=uuid7(), time=datetime.now(UTC))
            committed[str(id_)] = time.monotonic()
        async with asyncio.timeout(30):
            while len(arrived) < len(committed):
                await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        relay.stop()
        await asyncio.gather(relaying, reading, return_exceptions=True)
        await consumer.stop()
        await db.close()
        await log.close()
    return [(arrived[id_] - at) * 1000 for id_, at in list(committed.items())[PER_SECOND * WARM_UP_SECONDS :]]


async def read(consumer: AIOKafkaConsumer, arrived: dict[str, float]) -> None:
    async for record in consumer:
        arrived[dict(record.headers)["ce_id"].decode()] = time.monotonic()


if __name__ == "__main__":
    asyncio.run(run()).finish()
