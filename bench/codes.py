"""A million coupon codes: seconds and memory, against the least that could do it: one table, one COPY.

The house makes them as a worker does: slices of 20,000 by a timer, each a commit, checked against every code there
is, with progress that survives a restart. The bare loop draws random texts and copies them into a table with a unique
index.
"""

import asyncio
import os
import resource
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from bench.results import Claim, Result
from bench.stage import PASSWORDS
from loyalty_svc.coupons import usecases
from loyalty_svc.coupons.codes import codes_from, random_bytes_for
from loyalty_svc.coupons.pools import NewPool
from loyalty_svc.coupons.timers import timers
from loyalty_svc.features import SERVICE
from moat.kit.clock import SystemClock
from moat.kit.db.database import WORKER_STATEMENT_TIMEOUT_MS, Database
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import DatabaseUrls, provision
from moat.kit.embedded.postgres import Postgres
from moat.kit.timers.runner import fire

COUNT = int(os.environ.get("BENCH_CODES", "1000000"))


async def run() -> Result:
    result = Result("codes")
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres.start(Path(folder) / "postgres", durable=True, max_connections=50)
        try:
            urls = await provision(postgres.url(), "loyalty", PASSWORDS, database="moat_loyalty")
            await asyncio.to_thread(upgrade, urls.owner, "loyalty_svc")
            before = memory_mb()
            result.add("pool of codes (s)", await made_by_the_house(urls))
            result.add("memory that the worker grew by (MB)", memory_mb() - before)
            result.add("bare COPY of as many codes (s)", await made_bare(urls))
        finally:
            postgres.stop()
    seconds, bare = result.median("pool of codes (s)"), result.median("bare COPY of as many codes (s)")
    result.notes["codes"] = COUNT
    result.claim(Claim("codes made per second", COUNT / seconds, "/s"))
    result.claim(Claim("bare COPY ÷ pool", bare / seconds, "×"))
    return result


async def made_by_the_house(urls: DatabaseUrls) -> float:
    """Seconds from asking for the pool to its last code."""
    db = Database.connect(urls.app, name="loyalty-svc", statement_timeout_ms=WORKER_STATEMENT_TIMEOUT_MS)
    clock = SystemClock()
    began = time.perf_counter()
    async with db.transaction() as tx:
        new = NewPool("twenty-off", "generated", "bench", "bench", COUNT)
        pool_id = await usecases.open_pool(tx, new, at=clock.now())
    while True:
        if not await fire(SERVICE, timers.kinds[0], db, clock):
            async with db.transaction() as tx:
                if (await usecases.pool(tx, pool_id)).ready_at is not None:
                    break
            await asyncio.sleep(0.001)  # A timer is due at the next whole millisecond.
    seconds = time.perf_counter() - began
    async with db.transaction() as tx:
        there = await tx.scalar("SELECT count(DISTINCT code) FROM coupon_code WHERE pool_id = :id", id=pool_id)
    await db.close()
    assert there == COUNT, f"{there} codes of {COUNT}"
    return seconds


async def made_bare(urls: DatabaseUrls) -> float:
    """Seconds to draw as many texts and copy them into one table with one unique index, in one transaction."""
    connection = await asyncpg.connect(urls.owner)
    await connection.execute('CREATE TABLE bare_code (code text COLLATE "C" PRIMARY KEY, made_at timestamptz NOT NULL)')
    began = time.perf_counter()
    codes = set(codes_from(secrets.token_bytes(random_bytes_for(COUNT)), COUNT))
    at = datetime.now(UTC)
    await connection.copy_records_to_table("bare_code", records=((code, at) for code in codes))
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


def memory_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
