"""`drain` with the full rule set: ten published earning rules, three of them with limits, against the bare loop.

Each order has a channel and two lines, for both sides, and earns nearly three awards (2.7). The rules ask about totals,
channels, lines, tiers and time; one is on top of another, two exclude each other, and the limits count a customer's
day, his month, and all his life. The bare loop still gives one point per unit and knows of no rule.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from bench.drain import bare, ours
from bench.orders import canonical_orders
from bench.results import Claim, Result
from bench.stage import a_stage, produce, the_log
from loyalty_svc.earning.documents import RuleDocument
from loyalty_svc.earning.rules import RULES, UNLIMITED
from moat.kit.clock import SystemClock
from moat.kit.db.database import Database
from moat.kit.db.provision import DatabaseUrls
from moat.kit.documents.editing import BACKDATED, Change, draft, publish

EVENTS: Final = 100_000
RUNS: Final = 3
VALID_FROM: Final = datetime(2025, 12, 1, tzinfo=UTC)


def where(*comparisons: tuple[str, str, Any]) -> dict[str, Any]:
    """All of these."""
    rules = [{"field": field, "operator": operator, "value": value} for field, operator, value in comparisons]
    return {"combinator": "and", "rules": rules}


def fixed(points: int) -> dict[str, Any]:
    return {"kind": "fixed", "points": points}


def books(points: int) -> dict[str, Any]:
    return {"kind": "per_line", "points": points, "lines": where(("category", "=", "books"))}


DAY: Final = {"of": "customer", "per": "day", "what": "awards", "at_most": 1, "way": "refuse"}
MONTH: Final = {"of": "customer", "per": "month", "what": "points", "at_most": 300, "way": "cap"}
ONCE: Final = {"of": "customer", "per": "ever", "what": "awards", "at_most": 1, "way": "refuse"}
MORE: Final[dict[str, dict[str, Any]]] = {
    # Beside `order-points` of the starting programme: a point for each yuan. Each speaks to a part of the orders.
    "app-bonus": {"award": fixed(5), "condition": where(("channel", "=", "app"), ("total_minor", ">=", 20_000))},
    "big-order": {
        "award": fixed(50),
        "condition": where(("total_minor", ">=", 40_000)),
        "group": "size",
        "priority": 2,
    },
    "fair-order": {"award": fixed(20), "condition": where(("total_minor", ">=", 30_000)), "group": "size"},
    "books-twice": {"award": books(1)},
    "gold-more": {
        "award": {"kind": "multiplier", "of": "order-points", "times": "1.5"},
        "condition": where(("tier", "=", "gold")),
    },
    "spring": {
        "award": {"kind": "rate", "points": 1, "each": 10},
        "begins_at": "2026-01-10T00:00:00+08:00",
        "ends_at": "2026-01-20T00:00:00+08:00",
    },
    "first-of-day": {
        "award": fixed(10),
        "condition": where(("channel", "=", "app"), ("total_minor", ">=", 10_000)),
        "limits": [DAY],
    },
    "shop-month": {
        "award": {"kind": "rate", "points": 1, "each": 2},
        "condition": where(("channel", "=", "store"), ("total_minor", ">=", 25_000)),
        "limits": [MONTH],
    },
    "web-gift": {
        "award": fixed(3),
        "condition": where(("channel", "=", "web"), ("total_minor", ">=", 25_000)),
        "limits": [ONCE],
    },
}


async def run() -> Result:
    """Interleaved: bare, ours; three times; medians."""
    result = Result("rules")
    with a_stage() as stage:
        async with the_log(stage) as log:
            await produce(log, canonical_orders(EVENTS, detailed=True))
        for number in range(RUNS):
            result.add("bare loop, 500 a batch (events/s)", bare(stage, EVENTS, 500))
            result.add("worker with ten rules (events/s)", await ours(stage, number, put_in_force))
        result.notes = await what_it_did(stage.postgres.url(f"moat_loyalty_{RUNS - 1}"))
    mine = result.median("worker with ten rules (events/s)")
    result.claim(
        Claim("ten rules ÷ bare loop", mine / result.median("bare loop, 500 a batch (events/s)"), "×", 0.2, 0.4)
    )
    return result


async def put_in_force(urls: DatabaseUrls) -> None:
    """Publish the nine, valid before the first order."""
    db = Database.connect(urls.app, name="loyalty-svc")
    now = SystemClock().now()
    for code, document in MORE.items():
        model = RuleDocument.model_validate({"names": {"zh-CN": "规则", "en": "A rule"}, **document})
        async with db.transaction() as tx:
            written = await draft(tx, RULES, code, model, Change("bench", now))
            change = Change("bench", now, written.revision, confirm=[BACKDATED.code, UNLIMITED.code])
            await publish(tx, RULES, code, change, valid_from=VALID_FROM)
    await db.close()


async def what_it_did(url: str) -> dict[str, object]:
    """Awards by rule, and how many the limits cut: every rule had something to say."""
    connection = await asyncpg.connect(url)
    given = await connection.fetch("SELECT rule, count(*) FROM posting WHERE kind = 'earned' GROUP BY 1 ORDER BY 1")
    cut = await connection.fetch("SELECT cut_by, count(*) FROM award GROUP BY 1 ORDER BY 1")
    await connection.close()
    assert len(given) == len(MORE) + 1, f"only {[row[0] for row in given]} awarded"
    return {"awards by rule": dict(map(tuple, given)), "cut by": dict(map(tuple, cut))}


if __name__ == "__main__":
    asyncio.run(run()).finish()
