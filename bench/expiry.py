"""The sweep that expires a million lots, against one bare UPDATE that sets as many rows to zero.

The house sweeps as a worker does: slices by a timer, each a commit. For every account it takes what is due off the
balance, keeps what was reserved, books the points from liability to breakage in double entry, and tells of it in the
outbox. The bare statement changes `remaining` of a copy of the table, with the same indexes, and nothing else.
"""

import asyncio
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench.results import Claim, Result
from bench.stage import PASSWORDS
from loyalty_svc.expiry.timers import timers
from loyalty_svc.expiry.usecases import ONLY, SWEEP
from loyalty_svc.features import SERVICE
from moat.kit.clock import FrozenClock
from moat.kit.db.database import WORKER_STATEMENT_TIMEOUT_MS, Database
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import DatabaseUrls, provision
from moat.kit.embedded.postgres import Postgres
from moat.kit.timers import set_timers
from moat.kit.timers.runner import fire

LOTS: Final = int(os.environ.get("BENCH_LOTS", "1000000"))
LOTS_EACH: Final = 5
"""Of one account; all are due at once."""
POINTS: Final = 100
EARNED_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
# As the ledger writes them, seals included.
_FILL: Final = """
WITH made AS MATERIALIZED (
  SELECT uuidv7() AS id, c.customer_id, n,
         CAST($3 AS timestamptz) + make_interval(mins => n) AS at, gen_random_uuid() AS cause_id
  FROM (SELECT uuidv7() AS customer_id FROM generate_series(1, $1)) AS c CROSS JOIN generate_series(1, $2) AS n),
accounts AS (
  INSERT INTO account (customer_id, type, last_at, available, earned_total)
  SELECT customer_id, 'points', max(at), count(*) * $4, count(*) * $4 FROM made GROUP BY customer_id),
postings AS (
  INSERT INTO posting (id, customer_id, at, cause_id, kind, cause_part, reason, event_id, rule, seal)
  SELECT id, customer_id, at, cause_id, 'earned', 'order-points', 'order.paid', 'bench', 'order-points@1',
         posting_seal(id, customer_id, at, cause_id, 'earned', 'order-points') FROM made),
lots AS (
  INSERT INTO lot (posting_id, account_type, customer_id, earned_at, available_at, expires_at, amount, remaining)
  SELECT id, 'points', customer_id, at, at, at + interval '730 days', $4, $4 FROM made)
INSERT INTO entry (posting_id, customer_id, programme, account_type, amount, balance_after, seal)
SELECT id, customer_id, 'liability', 'points', $4, n * $4,
       entry_seal(id, customer_id, 'points', $4, n * $4) FROM made
"""
_LEFT: Final = """
SELECT (SELECT count(*) FROM lot WHERE remaining > 0) AS lots, (SELECT sum(available) FROM account) AS points,
       (SELECT -sum(amount) FROM entry WHERE programme = 'breakage') AS breakage
"""
_BARE: Final = (
    "UPDATE bare_lot SET remaining = 0, expired = expired + remaining WHERE remaining > 0 AND expires_at <= $1"
)


async def run() -> Result:
    """Fill, sweep, look; then the bare statement."""
    result = Result("expiry")
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres.start(Path(folder) / "postgres", durable=True, max_connections=50)
        try:
            urls = await provision(postgres.url(), "loyalty", PASSWORDS, database="moat_loyalty")
            await asyncio.to_thread(upgrade, urls.owner, "loyalty_svc")
            await fill(urls)
            await checkpoint(postgres.url())
            result.add("bare UPDATE (rows/s)", LOTS / await expired_bare(urls))
            await checkpoint(postgres.url())
            before = memory_mb()
            result.add("sweep (lots/s)", LOTS / await swept(urls))
            result.add("memory that the worker grew by (MB)", memory_mb() - before)
        finally:
            postgres.stop()
    ratio = result.median("sweep (lots/s)") / result.median("bare UPDATE (rows/s)")
    result.claim(Claim("sweep ÷ bare UPDATE", ratio, "×"))
    result.claim(Claim("lots expired per second", result.median("sweep (lots/s)"), "/s"))
    result.notes = {"lots": LOTS, "lots of each account": LOTS_EACH}
    return result


async def fill(urls: DatabaseUrls) -> None:
    """Accounts of five lots each, all of which have expired by now; and a copy of the lots for the bare statement."""
    owner = await asyncpg.connect(urls.owner)
    for _ in range(10):
        await owner.execute(_FILL, LOTS // LOTS_EACH // 10, LOTS_EACH, EARNED_AT, POINTS)
    await owner.execute("CREATE TABLE bare_lot (LIKE lot INCLUDING ALL)")
    await owner.execute("INSERT INTO bare_lot SELECT * FROM lot")
    await owner.execute("VACUUM ANALYZE")
    await owner.close()


async def checkpoint(url: str) -> None:
    """What was written is on the disk, so that neither side pays for what was before it."""
    superuser = await asyncpg.connect(url)
    await superuser.execute("CHECKPOINT")
    await superuser.close()


async def expired_bare(urls: DatabaseUrls) -> float:
    """Seconds of the one statement."""
    owner = await asyncpg.connect(urls.owner)
    began = time.perf_counter()
    done: str = await owner.execute(_BARE, NOW)
    seconds = time.perf_counter() - began
    await owner.close()
    assert done == f"UPDATE {LOTS}", done
    return seconds


async def swept(urls: DatabaseUrls) -> float:
    """Seconds until the timer finds nothing more."""
    db = Database.connect(urls.app, name="loyalty-svc", statement_timeout_ms=WORKER_STATEMENT_TIMEOUT_MS)
    clock = FrozenClock(NOW)
    kind = next(one for one in timers.kinds if one.kind == SWEEP)
    async with db.transaction() as tx:
        await set_timers(tx, SWEEP, [(ONLY, NOW, {})])
    began = time.perf_counter()
    while await fire(SERVICE, kind, db, clock):
        pass
    seconds = time.perf_counter() - began
    await look(db)
    await db.close()
    return seconds


async def look(db: Database) -> None:
    """Everything has expired, to the point."""
    async with db.transaction() as tx:
        left: Any = await tx.one(_LEFT)
    assert (left.lots, left.points, left.breakage) == (0, 0, LOTS * POINTS), left


def memory_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(run()).finish()
