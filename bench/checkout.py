"""How long a till waits: a quote for a basket, and points and a coupon put aside and confirmed, over HTTP.

One uvicorn process of loyalty-svc on a durable PostgreSQL; CONNECTIONS tills ask without a pause, each for members of
its own. A quote judges a typed code, the member's points, the starting earning rules and his tier; nothing is kept. The
percentiles are of single requests as the till sees them. Nothing to compare with was found, so they are written down.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from bench.redeem import served, with_points
from bench.results import Claim, Result, percentile
from bench.stage import PASSWORDS
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import provision
from moat.kit.embedded.postgres import Postgres
from moat.kit.ids import uuid7

CONNECTIONS = 8
WARM_UP = 40
REQUESTS = 200
"""By each till and run."""
RUNS = 2
BASKET = {"currency": "CNY", "lines": [{"sku": "cd", "amount_minor": 12_000}], "shipping_minor": 800}
CODE = "BENCH20"

Ask = Callable[[httpx.AsyncClient, str], Awaitable[list[float]]]


async def run() -> Result:
    """Quotes, then checkouts."""
    result = Result("checkout")
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres.start(Path(folder) / "postgres", durable=True, max_connections=50)
        try:
            urls = await provision(postgres.url(), "loyalty", PASSWORDS, database="moat_loyalty")
            await asyncio.to_thread(upgrade, urls.owner, "loyalty_svc")
            members = await with_points(urls)
            async with served("house", urls.app) as (port, authorization):
                headers = {"Authorization": authorization}
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
                    await a_public_code(http)
                    for number in range(RUNS):
                        count = REQUESTS if number else REQUESTS + WARM_UP
                        await measure(result, "quote", quote, http, members, count)
                        await measure(result, "reserve and confirm", settle, http, members, count // 4)
        finally:
            postgres.stop()
    for what in ("quote", "reserve and confirm"):
        for share in ("p50", "p99"):
            measured = result.median(f"{what} {share} (ms)")
            result.claim(Claim(f"{what}, {share}", measured, "ms", higher_is_better=False))
    result.notes = {"tills": CONNECTIONS, "requests by each till and run": REQUESTS}
    return result


async def a_public_code(http: httpx.AsyncClient) -> None:
    """One code that everybody may use any number of times."""
    document = {
        "names": {"zh-CN": "测试券", "en": "A coupon"},
        "benefit": {"kind": "amount_off", "currency": "CNY", "amount_minor": 2_000},
        "limits": {"per_code": None},
    }
    draft = await http.post("/v1/loyalty/coupons", json={"code": "bench", "document": document})
    etag = {"If-Match": draft.headers["ETag"]}
    published = await http.post("/v1/loyalty/coupons/bench/publish", json={}, headers=etag)
    pool = {"coupon": "bench", "kind": "public", "name": "bench", "code": CODE}
    opened = await http.post("/v1/loyalty/coupon-pools", json=pool)
    for answer in (draft, published, opened):
        answer.raise_for_status()


async def measure(
    result: Result, what: str, ask: Ask, http: httpx.AsyncClient, members: Sequence[UUID], count: int
) -> None:
    """All tills at once, each asking for its own members in turn."""
    tills = [members[till::CONNECTIONS] for till in range(CONNECTIONS)]

    async def till(own: Sequence[UUID]) -> list[float]:
        seconds: list[float] = []
        for number in range(count):
            seconds += await ask(http, str(own[number % len(own)]))
        return seconds[-REQUESTS:]

    seconds = [one for many in await asyncio.gather(*map(till, tills)) for one in many]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        result.add(f"{what} {name} (ms)", percentile(seconds, share) * 1000)


async def quote(http: httpx.AsyncClient, who: str) -> list[float]:
    """One look at a basket."""
    body = {"customer_id": who, "basket": BASKET, "codes": [CODE], "points": 1_000}
    return [await timed(http, "/v1/loyalty/checkout/quote", body)]


async def settle(http: httpx.AsyncClient, who: str) -> list[float]:
    """Put aside and paid; each of the two is a request that a customer waits for."""
    body = {"customer_id": who, "basket": BASKET, "codes": [CODE], "points": 100}
    began = time.perf_counter()
    made = await http.post("/v1/loyalty/checkouts", json=body, headers={"Idempotency-Key": str(uuid7())})
    reserved = time.perf_counter() - began
    made.raise_for_status()
    return [reserved, await timed(http, f"/v1/loyalty/checkouts/{made.json()['id']}/confirm", {})]


async def timed(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> float:
    """Seconds until the whole answer is there."""
    began = time.perf_counter()
    answer = await http.post(path, json=body, headers={"Idempotency-Key": str(uuid7())})
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return seconds
