"""Cost per event with 10 thousand and with 500 thousand customers in loyalty's tables: what grows must not slow."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid5

import asyncpg

from bench.orders import NAMESPACE
from bench.results import Claim, Result
from bench.stage import Stage, a_stage
from loyalty_svc.features import SERVICE
from moat.contracts.orders import OrderPaid
from moat.kit.clock import SystemClock
from moat.kit.db.database import WORKER_STATEMENT_TIMEOUT_MS, Database
from moat.kit.events import Event
from moat.kit.messaging.apply import apply

SIZES = (10_000, 500_000)
BATCH = 2_000
BATCHES_TO_FILL = 2_000
MEASURED = 20_000
RUNS = 3


async def run() -> Result:
    """Fill two databases, then the same batches on both in turn."""
    result = Result("growth")
    with a_stage() as stage:
        databases = {size: await filled(stage, size) for size in SIZES}
        for number in range(RUNS):
            for size in SIZES:
                result.add(f"{size:,} customers (µs/event)", await cost(databases[size], size, number))
        for db in databases.values():
            await db.close()
    small, large = (result.median(f"{size:,} customers (µs/event)") for size in SIZES)
    result.claim(Claim("large ÷ small", large / small, "×", at_least=1.25, aim=1.10, higher_is_better=False))
    return result


async def filled(stage: Stage, customers: int) -> Database:
    """A database in which each customer has one order."""
    urls = await stage.database("loyalty", customers)
    db = Database.connect(urls.app, name="loyalty-svc", statement_timeout_ms=WORKER_STATEMENT_TIMEOUT_MS)
    for start in range(0, customers, BATCHES_TO_FILL):
        await pass_through(db, [order(f"fill-{n}", n) for n in range(start, start + BATCHES_TO_FILL)])
    owner = await asyncpg.connect(urls.owner)
    await owner.execute("TRUNCATE outbox")
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    return db


async def cost(db: Database, customers: int, number: int) -> float:
    """Microseconds per event of batches over customers that are spread through the tables."""
    step = max(1, customers // MEASURED)
    events = [order(f"run-{number}-{n}", (n * step) % customers) for n in range(MEASURED)]
    began = time.perf_counter()
    for start in range(0, MEASURED, BATCH):
        await pass_through(db, events[start : start + BATCH])
    return (time.perf_counter() - began) / MEASURED * 1e6


async def pass_through(db: Database, events: list[Event]) -> None:
    async with db.transaction() as tx:
        await apply(SERVICE, events, tx, SystemClock())


def order(name: str, customer: int) -> Event:
    data = OrderPaid(
        order_uid=uuid5(NAMESPACE, name), order_source="/bench", order_id=name, currency="CNY", total_minor=12_345
    )
    about = uuid5(NAMESPACE, f"customer-{customer}")
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return Event(name, "/customer-svc", OrderPaid.TYPE, at, data, str(about), about, topic="moat.orders")


if __name__ == "__main__":
    asyncio.run(run()).finish()
