"""Redemptions a second over HTTP, 64 connections: loyalty-svc against one conditional UPDATE in a bare FastAPI app.

Ours checks the token, follows merges, keeps the Idempotency-Key, spends from the lots that expire first in double
entry, stores the redemption and tells of it in the outbox. The bare app does one UPDATE on one table. Both are one
uvicorn process with the same settings, pool and collector, on the same durable PostgreSQL; wrk asks, each request for
another of 500 members. Ours does together what arrives together (ADR 0036), so it is measured with 16 connections, too,
where less does. An answer that is not 2xx spoils a run, and so does one without its redemption in the tables.

`python -m bench.redeem serve house|bare URL PORT` is one of the two servers; it prints the header to send.
"""

import asyncio
import gc
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from bench.gateway import ensure_tools
from bench.house import free_port
from bench.results import Claim, Result, environment_with
from bench.stage import PASSWORDS
from loyalty_svc.features import SERVICE
from moat.contracts.customers import CustomerCreated
from moat.contracts.orders import OrderPaid
from moat.kit.clock import SystemClock
from moat.kit.db.database import Database
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import DatabaseUrls, provision
from moat.kit.embedded.postgres import Postgres
from moat.kit.ids import uuid7
from moat.kit.life.server import listen_on, make_server, serve
from moat.kit.process import Process
from moat.kit.settings import ProcessSettings
from moat.kit.telemetry import set_up_logs
from moat.kit.testing import an_event, deliver
from moat.kit.testing.callers import key, trusted_keys
from moat.kit.testing.web import NoLog
from moat.kit.web import create_app

MEMBERS = 500
CONNECTIONS = 64
FEW_CONNECTIONS = 16
SECONDS = 6
RUNS = 3
REDEMPTIONS = "/v1/customers/ID/loyalty/redemptions"
COUNTED = {
    "house": "SELECT count(*) FROM reward_redemption WHERE state = 'fulfilled'",
    "bare": "SELECT sum(1000000 - available) / 100 FROM bare_account",
}
SCRIPT = """
local ids, at = {{ {ids} }}, 0
local run = tostring(os.time()) .. tostring(math.random(1e9))
request = function()
  at = at + 1
  local headers = {{ ["Content-Type"] = "application/json", ["Authorization"] = "{authorization}",
    ["Idempotency-Key"] = run .. "-" .. at }}
  local path = ("{path}"):gsub("ID", ids[at % #ids + 1])
  return wrk.format("POST", path, headers, '{{"reward": "plant-a-tree"}}')
end
"""


async def run() -> Result:
    """Interleaved: bare, ours; medians."""
    ensure_tools()
    result = Result("redeem")
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres.start(Path(folder) / "postgres", durable=True, max_connections=50)
        try:
            urls = await provision(postgres.url(), "loyalty", PASSWORDS, database="moat_loyalty")
            await asyncio.to_thread(upgrade, urls.owner, "loyalty_svc")
            members = await with_points(urls)
            async with served("house", urls.app) as house, served("bare", urls.owner) as bare:
                sides = (("bare", bare, "/redeem/ID"), ("house", house, REDEMPTIONS))
                for _ in range(RUNS):
                    for connections in (FEW_CONNECTIONS, CONNECTIONS):
                        for name, server, path in sides:
                            before = await redeemed(urls, name)
                            speed, count = await asked(Path(folder), server, path, members, connections)
                            there = await redeemed(urls, name) - before
                            # What was under way when wrk stopped counting was done, too.
                            if not count <= there <= count + connections:
                                raise RuntimeError(f"{name}: {count} answers, {there} redemptions")
                            result.add(f"{name}, {connections} connections (requests/s)", speed)
        finally:
            postgres.stop()
    result.claim(Claim("redemptions ÷ bare conditional update", share(result, CONNECTIONS), "×", at_least=0.4, aim=0.4))
    result.claim(Claim(f"the same, {FEW_CONNECTIONS} connections", share(result, FEW_CONNECTIONS), "×", aim=0.4))
    return result


def share(result: Result, connections: int) -> float:
    """The median of the pairs."""
    ours, bare = (result.runs[f"{name}, {connections} connections (requests/s)"] for name in ("house", "bare"))
    return statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))


async def redeemed(urls: DatabaseUrls, name: str) -> int:
    """How many redemptions the tables of one side know of."""
    connection = await asyncpg.connect(urls.owner)
    count = int(await connection.fetchval(COUNTED[name]))
    await connection.close()
    return count


async def with_points(urls: DatabaseUrls) -> list[UUID]:
    """Members with a million points each, in the service's tables and in the bare one."""
    members = [uuid7() for _ in range(MEMBERS)]
    now = datetime.now(UTC)
    db = Database.connect(urls.app, name="loyalty-svc", statement_timeout_ms=30_000)
    paid = [
        OrderPaid(order_uid=uuid7(), order_source="/bench", order_id=f"b-{n}", currency="CNY", total_minor=10**8)
        for n in range(MEMBERS)
    ]
    await deliver(SERVICE, db, [an_event(CustomerCreated(), about=who, time=now) for who in members], SystemClock())
    orders = [an_event(data, about=who, time=now) for who, data in zip(members, paid, strict=True)]
    await deliver(SERVICE, db, orders, SystemClock())
    await db.close()
    connection = await asyncpg.connect(urls.owner)
    await connection.execute("CREATE TABLE bare_account (customer_id uuid PRIMARY KEY, available bigint NOT NULL)")
    await connection.copy_records_to_table("bare_account", records=[(who, 10**6) for who in members])
    await connection.close()
    return members


@asynccontextmanager
async def served(kind: str, url: str) -> AsyncIterator[tuple[int, str]]:
    """One of the two servers: its port and the header to send."""
    port = free_port()
    command = [sys.executable, "-m", "bench.redeem", "serve", kind, url, str(port)]
    child = subprocess.Popen(command, env=environment_with({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        line = await asyncio.to_thread(child.stdout.readline)
        yield port, line.decode().strip()
    finally:
        child.kill()  # Nothing in it is worth waiting for.
        child.wait()


async def asked(
    folder: Path, server: tuple[int, str], path: str, members: list[UUID], connections: int
) -> tuple[float, int]:
    """wrk's figure, and how many requests were answered; any answer that is not 2xx spoils the run."""
    port, authorization = server
    script = folder / "redeem.lua"
    ids = ", ".join(f'"{who}"' for who in members)
    script.write_text(SCRIPT.format(ids=ids, authorization=authorization, path=path))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True, timeout=60)
    if "Non-2xx" in ran.stdout:
        raise RuntimeError(ran.stdout)
    count = int(re.search(r"(\d+) requests in", ran.stdout)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout)[1]), count


def the_house(url: str) -> FastAPI:
    """loyalty-svc as it is, trusting the key of this process."""
    settings = ProcessSettings(database_url=url, events_url="postgresql://unused", gateway_url="http://unused")
    db = Database.connect(url, name="loyalty-svc")
    return create_app(
        Process(service=SERVICE, settings=settings, db=db, log=NoLog(), clock=SystemClock(), keys=trusted_keys())
    )


class Wanted(BaseModel):
    """What is to be redeemed."""

    reward: str


def the_bare(url: str) -> FastAPI:
    """The least that never lets a balance go below zero."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(url, min_size=10, max_size=10)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/redeem/{customer_id}", status_code=201)
    async def redeem(customer_id: UUID, body: Wanted) -> dict[str, int]:
        left = await app.state.pool.fetchval(
            "UPDATE bare_account SET available = available - 100"
            " WHERE customer_id = $1 AND available >= 100 RETURNING available",
            customer_id,
        )
        if left is None:
            raise HTTPException(409)
        return {"available": left}

    return app


async def main(kind: str, url: str, port: int) -> None:
    # As a process of the house writes its log, and nobody reads it here.
    set_up_logs("loyalty-svc")
    app = the_house(url) if kind == "house" else the_bare(url)
    server = make_server(app, drain_seconds=1)
    listening = listen_on("127.0.0.1", port)
    task = asyncio.create_task(serve(server, listening))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: setattr(server, "should_exit", True))
    while not server.started:
        await asyncio.sleep(0.05)
    # As `moat.kit.life` does it for every process; for both sides.
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 10, 10)
    print(key("loyalty:read", "loyalty:write", at=datetime.now(UTC))["Authorization"], flush=True)
    # Nobody reads the log; a full pipe would stop the server.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    await task


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[2], sys.argv[3], int(sys.argv[4])))
