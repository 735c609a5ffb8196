"""A draft rule over Online Retail I: events a second, and seconds for the whole of it, both runs together.

The log is the embedded one. The data set is found as the end-to-end test of it finds it; without it a history of the
same size is made up (as many orders, lines, refunds and customers). The draft asks for more than the published rule: a
rate by tier, a limit for each customer and day, and a budget, so counters and tiers are walked too.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from bench.results import Claim, Result
from bench.stage import PASSWORDS
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, RULES
from loyalty_svc.features import SERVICE
from loyalty_svc.simulation import usecases
from loyalty_svc.simulation.running import Runner
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.contracts.topics import RETENTION_MS
from moat.kit.clock import SystemClock
from moat.kit.db.database import WORKER_STATEMENT_TIMEOUT_MS, Database
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import provision
from moat.kit.documents import DocumentKind
from moat.kit.documents.editing import Change, draft, publish
from moat.kit.embedded.postgres import Postgres
from moat.kit.events import EventData
from moat.kit.messaging.log import Record
from moat.kit.messaging.pglog.log import PgLog

RUNS = int(os.environ.get("BENCH_SIMULATIONS", "3"))
ORDERS, REFUNDS, CUSTOMERS, LINES = 18_536, 3_600, 4_372, 21
SENT_AT_ONCE = 500
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NAMES = {"zh-CN": "试算", "en": "A draft"}
SHARED = {"currencies": ["GBP"], "credits": ["points", "growth"]}
RULE = {
    "names": NAMES,
    "award": {"kind": "rate", "points": 2},
    "by_tier": {"silver": 1.5, "gold": 2},
    "limits": [{"of": "customer", "per": "day", "at_most": 5_000}],
    "budget": 10_000_000,
}


async def run() -> Result:
    result = Result("simulation")
    records, result.notes["history"] = history()
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres.start(Path(folder) / "postgres", durable=True, max_connections=50)
        try:
            loyalty = await provision(postgres.url(), "loyalty", PASSWORDS, database="moat_loyalty")
            await asyncio.to_thread(upgrade, loyalty.owner, "loyalty_svc")
            kept = await provision(postgres.url(), "log", PASSWORDS, database="moat_log")
            log = PgLog(kept.owner, RETENTION_MS)
            await fill(log, records)
            db = Database.connect(loyalty.app, name="loyalty-svc", statement_timeout_ms=WORKER_STATEMENT_TIMEOUT_MS)
            await publish_and_draft(db)
            for _ in range(RUNS):
                result.add("simulation (s)", await simulated(db, log, len(records)))
            await log.close()
            await db.close()
        finally:
            postgres.stop()
    seconds = result.median("simulation (s)")
    result.notes["events"] = len(records)
    result.claim(Claim("events simulated per second, both runs", len(records) / seconds, "/s"))
    result.claim(Claim("Online Retail I", seconds, "s", at_least=60.0, aim=20.0, higher_is_better=False))
    return result


async def simulated(db: Database, log: PgLog, events: int) -> float:
    """Seconds from taking it up to its result."""
    clock = SystemClock()
    async with db.transaction() as tx:
        row = await usecases.ask(tx, "earning_rule", "order-points", 1100, by="bench", now=clock.now())
    began = time.perf_counter()
    assert await Runner(SERVICE, db, log, clock).run_next()
    seconds = time.perf_counter() - began
    async with db.transaction() as tx:
        found = await usecases.read(tx, row.id)
    assert found.state == "done", found.failure
    assert found.events_read == events, f"{found.events_read} events of {events}"
    assert found.result["winners"] > 0
    return seconds


async def publish_and_draft(db: Database) -> None:
    """A programme that earns in the file's currency since long ago, and the draft."""

    async def put(kind: DocumentKind[Any, Any], code: str, document: dict[str, Any], *, is_published: bool) -> None:
        change = Change("bench", SystemClock().now(), confirm=["documents.backdated"])
        async with db.transaction() as tx:
            await draft(tx, kind, code, kind.model.model_validate(document), change)
            if is_published:
                await publish(tx, kind, code, change, valid_from=LONG_AGO)

    await put(PROGRAMMES, PROGRAMME, SHARED, is_published=True)
    await put(RULES, "order-points", RULE, is_published=False)


async def fill(log: PgLog, records: list[Record]) -> None:
    await log.ensure_topics()
    producer = await log.producer()
    for first in range(0, len(records), SENT_AT_ONCE):
        await producer.send(records[first : first + SENT_AT_ONCE])
    await producer.close()


def history() -> tuple[list[Record], str]:
    """Every order and refund of a customer as customer-svc announces it, in the order of time."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from whole.online_retail import Reading, find_file, read

    file = find_file()
    if file is None:
        return list(made_up()), "made up, of the size of Online Retail I"
    facts = Reading.to(lines := read(file), datetime.now(UTC) - timedelta(days=1)).facts(lines)
    return [record for fact in facts if (record := told(fact)) is not None], "Online Retail I"


def told(fact: dict[str, Any]) -> Record | None:
    """A raw fact of the shop as a canonical one; None for one of nobody."""
    data = dict(fact["data"])
    names = [one["value"] for one in data.pop("customer") if one["value"]]
    if not names:
        return None
    kind = OrderPaid if fact["type"].endswith("order.paid.v1") else OrderRefunded
    order_uid = uuid5(NAMESPACE_OID, f"order {data['order_id']}")
    payload = kind.model_validate({**data, "order_uid": order_uid, "order_source": fact["source"]})
    return canonical(payload, uuid5(NAMESPACE_OID, f"customer {names[0]}"), fact["time"], str(fact["id"]))


def made_up() -> Iterator[Record]:
    dice, began = random.Random(7), datetime.now(UTC) - timedelta(days=374)
    for number in range(ORDERS):
        who, at = UUID(int=dice.randrange(1, CUSTOMERS)), began + timedelta(minutes=29 * number)
        amounts = [dice.randrange(50, 6_000) for _ in range(dice.randrange(1, 2 * LINES))]
        lines = [{"sku": f"{dice.randrange(3_700)}", "category": "product", "amount_minor": one} for one in amounts]
        order = {
            "order_uid": uuid5(NAMESPACE_OID, f"order {number}"),
            "order_source": "/shops/online-retail",
            "order_id": str(number),
            "currency": "GBP",
        }
        paid = OrderPaid.model_validate({**order, "total_minor": sum(amounts), "lines": lines})
        yield canonical(paid, who, at.isoformat(), f"{number}-paid")
        if dice.randrange(ORDERS) < REFUNDS:
            back = {"refund_id": f"C{number}", "amount_minor": amounts[0], "lines": lines[:1]}
            refund = OrderRefunded.model_validate({**order, **back})
            yield canonical(refund, who, (at + timedelta(hours=1)).isoformat(), f"{number}-back")


def canonical(data: EventData, who: UUID, time: str, id_: str) -> Record:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": id_,
        "ce_source": "/customer-svc",
        "ce_type": data.TYPE,
        "ce_time": time,
        "ce_subject": str(who),
        "content-type": "application/json",
    }
    packed = tuple((name, value.encode()) for name, value in headers.items())
    return Record(data.TOPIC, str(who).encode(), data.model_dump_json().encode(), packed)
