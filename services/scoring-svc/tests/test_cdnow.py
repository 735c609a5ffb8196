"""The published figures of the demo, against an oracle that knows the raw file and the formula only."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.testing import TestDatabase, deliver, published
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for
from scoring_svc.features import SERVICE

from .builders import paid

SAMPLE = Path(__file__).parents[3] / "deploy/local/src/moat_local/cdnow/CDNOW_sample.txt"
NAMESPACE = UUID("5c1f4f2e-6f0b-4f0e-9f0a-0d5a3b6c7d8e")
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="the CDNOW sample is not in deploy/local yet")


class Row(NamedTuple):
    customer: UUID
    order: UUID
    at: datetime
    minor: int


class Expected(NamedTuple):
    score: float
    value_minor: int
    orders: int


def rows_ending_before(today: date) -> list[Row]:
    raw = [line.split() for line in SAMPLE.read_text("ascii").splitlines() if line.strip()]
    days = [date(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:])) for row in raw]
    shift = today - timedelta(days=1) - max(days)
    return [
        Row(
            uuid5(NAMESPACE, row[0]),
            uuid5(NAMESPACE, f"order {number}"),
            datetime.combine(day + shift, time(12), UTC),
            round(float(row[4]) * 100),
        )
        for number, (row, day) in enumerate(zip(raw, days, strict=True), start=1)
    ]


def by_the_formula(rows: list[Row], now: datetime) -> dict[UUID, Expected]:
    """Interface §6, word by word."""
    of: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        of[row.customer].append(row)
    expected = {}
    for customer, orders in of.items():
        days = sorted({order.at.astimezone(ZoneInfo("Asia/Shanghai")).date() for order in orders})
        n, T = len(days) - 1, (days[-1] - days[0]).days
        g = (now - max(order.at for order in orders)).total_seconds() / 86_400
        score = 100 * (1 - ((60 + T) / (60 + T + g)) ** (1 + n))
        expected[customer] = Expected(score, sum(order.minor for order in orders), len(orders))
    return expected


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_oracle_itself_gives_the_published_figures(hour: int):
    now = datetime(2026, 11, 20, hour, tzinfo=UTC)

    expected = by_the_formula(rows_ending_before(now.date()), now)

    high = [customer for customer in expected.values() if customer.score >= 80]
    assert len(expected) == 2_357
    assert 1_818 <= len(high) <= 1_830
    assert 305 <= len([customer for customer in high if customer.value_minor >= 10_000]) <= 312


async def test_the_demo_scores_as_the_formula_says(scoring: TestDatabase, clock: FrozenClock):
    now = clock.now()
    rows = rows_ending_before(now.date())
    expected = by_the_formula(rows, now)
    facts = [paid(row.customer, row.at, row.minor, currency="USD", order=row.order) for row in rows]
    random.Random(3).shuffle(facts)

    for start in range(0, len(facts), 2_000):
        await deliver(SERVICE, scoring.db, facts[start : start + 2_000], clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        reader = staff("scores:read")
        summary = (await client.get("/v1/scores/summary", headers=reader)).json()
        listed, cursor = [], ""
        while cursor is not None:
            page = (await client.get(f"/v1/risks?limit=200{cursor}", headers=reader)).json()
            listed += page["items"]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    high = {customer: score for customer, score in expected.items() if score.score >= 80}
    assert summary["customers"] == 2_357
    assert summary["bands"]["high"] == len(high)
    assert summary["bands"]["medium"] == len([1 for score in expected.values() if 50 <= score.score < 80])
    assert summary["at_risk_value"] == [
        {"currency": "USD", "amount_minor": sum(score.value_minor for score in high.values())}
    ]
    found = {
        UUID(item["customer_id"]): (item["risk"]["score"], item["value_minor"], item["orders_count"]) for item in listed
    }
    assert found.keys() == high.keys()
    assert all(found[customer] == pytest.approx(tuple(score)) for customer, score in high.items())
    values = [item["value_minor"] for item in listed]
    assert values == sorted(values, reverse=True)
    assert 305 <= len([value for value in values if value >= 10_000]) <= 312


async def test_what_was_announced_adds_up_to_who_is_at_risk(scoring: TestDatabase, clock: FrozenClock):
    rows = rows_ending_before(clock.now().date())
    facts = [paid(row.customer, row.at, row.minor, currency="USD", order=row.order) for row in rows]

    for start in range(0, len(facts), 500):
        await deliver(SERVICE, scoring.db, facts[start : start + 500], clock)

    at_risk: set[UUID] = set()
    for event in await published(scoring.db):
        if event.type == "moat.risk.cleared.v1":
            at_risk.remove(event.about)
        else:
            at_risk.add(event.about)
    expected = by_the_formula(rows, clock.now())
    assert at_risk == {customer for customer, score in expected.items() if score.score >= 80}
