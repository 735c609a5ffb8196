"""Facts in, risks out, on real PostgreSQL."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.db.database import Database
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver, published
from moat.kit.timers.runner import fire
from scoring_svc.features import SERVICE
from scoring_svc.risk.timers import timers

from .builders import created, merged, paid, refunded

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
RAISED, CHANGED, CLEARED = (f"moat.risk.{name}.v1" for name in ("raised", "changed", "cleared"))


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


async def state_of(db: Database) -> tuple[list[Any], list[Any], list[Any]]:
    async with db.transaction() as tx:
        purchases = await tx.all(
            "SELECT order_uid, customer_id, paid_at, purchase_date, currency, total_minor, net_minor, refunds "
            "FROM purchase ORDER BY order_uid"
        )
        risks = await tx.all("SELECT * FROM risk WHERE high_at IS NOT NULL ORDER BY customer_id")
        timer = await tx.all("SELECT kind, key, due_at FROM timer ORDER BY key")
    return [tuple(row) for row in purchases], [tuple(row) for row in risks], [tuple(row) for row in timer]


async def told(db: Database) -> list[tuple[str, UUID]]:
    return [(event.type, event.about) for event in await published(db)]


async def times_of(db: Database) -> list[datetime]:
    async with db.transaction() as tx:
        rows = await tx.all("SELECT headers FROM outbox ORDER BY seq")
    return [datetime.fromisoformat(row.headers["time"]) for row in rows]


async def test_a_recent_buyer_gets_a_timer_for_the_instant_of_his_crossing(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()

    await deliver(SERVICE, scoring.db, [created(customer, NOW), paid(customer, NOW)], clock)

    _, risks, due = await state_of(scoring.db)
    assert await told(scoring.db) == []
    assert len(risks) == 1
    [(kind, key, due_at)] = due
    assert (kind, key) == ("risk.crossing", str(customer))
    assert abs(due_at - (NOW + timedelta(days=240))) <= timedelta(milliseconds=1)


async def test_silence_raises_the_risk_by_itself_at_the_crossing(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, NOW, 12_345)], clock)
    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    clock.set(due_at)

    fired = await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    [event] = await published(scoring.db)
    assert fired == 1
    assert (event.type, event.about) == (RAISED, customer)
    assert event.data["score"] >= 80
    assert (event.data["band"], event.data["value_minor"], event.data["value_currency"]) == ("high", 12_345, "CNY")
    assert event.data["reasons"] == ["silence.days", "silence.single_day"]
    assert await times_of(scoring.db) == [due_at]
    assert (await state_of(scoring.db))[2] == []


async def test_nothing_fires_a_millisecond_early(scoring: TestDatabase, clock: FrozenClock):
    await deliver(SERVICE, scoring.db, [paid(uuid7(), NOW)], clock)
    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    clock.set(due_at - timedelta(milliseconds=1))

    await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    assert await published(scoring.db) == []
    assert len((await state_of(scoring.db))[2]) == 1


async def test_a_purchase_moves_the_one_timer(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, ago(days=10))], clock)
    [(_, _, before)] = (await state_of(scoring.db))[2]

    await deliver(SERVICE, scoring.db, [paid(customer, NOW)], clock)

    [(_, _, after)] = (await state_of(scoring.db))[2]
    assert after != before


async def test_a_timer_that_outlived_its_purchase_only_sets_itself_anew(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, NOW)], clock)
    async with scoring.db.transaction() as tx:
        await tx.execute("UPDATE timer SET due_at = :at", at=NOW)

    await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    assert await published(scoring.db) == []
    assert due_at > NOW + timedelta(days=239)


async def test_history_loaded_late_is_raised_at_once_with_the_time_of_its_crossing(
    scoring: TestDatabase, clock: FrozenClock
):
    customer, order_at = uuid7(), ago(days=500)

    await deliver(SERVICE, scoring.db, [paid(customer, order_at)], clock)

    assert await told(scoring.db) == [(RAISED, customer)]
    [time] = await times_of(scoring.db)
    assert abs(time - (order_at + timedelta(days=240))) <= timedelta(milliseconds=1)


async def test_a_purchase_clears_what_silence_raised(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, ago(days=500))], clock)

    again = paid(customer, ago(hours=1))
    await deliver(SERVICE, scoring.db, [again], clock)

    assert await told(scoring.db) == [(RAISED, customer), (CLEARED, customer)]
    assert (await times_of(scoring.db))[-1] == again.time
    assert len((await state_of(scoring.db))[2]) == 1


async def test_while_raised_a_refund_is_announced_as_a_change_of_value(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)
    await deliver(SERVICE, scoring.db, [order], clock)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 6_000)], clock)

    events = await published(scoring.db)
    assert [event.type for event in events] == [RAISED, CHANGED]
    assert events[1].data["value_minor"] == 9_000


async def test_a_fact_that_changes_neither_score_nor_value_is_not_announced(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)
    await deliver(SERVICE, scoring.db, [order], clock)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 6_000, currency="USD")], clock)
    await deliver(SERVICE, scoring.db, [order], clock)

    assert await told(scoring.db) == [(RAISED, customer)]


async def test_a_refund_that_comes_first_waits_for_its_order(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 20_000)], clock)
    assert (await state_of(scoring.db))[1] == []
    await deliver(SERVICE, scoring.db, [order], clock)

    [event] = await published(scoring.db)
    assert event.data["value_minor"] == 0


async def test_the_value_is_in_the_currency_he_spent_most_in(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    at = ago(days=500)

    await deliver(
        SERVICE,
        scoring.db,
        [
            paid(customer, at, 700, currency="USD"),
            paid(customer, at, 500),
            paid(customer, at, 200),
            paid(customer, at, 699, currency="EUR"),
        ],
        clock,
    )

    [event] = await published(scoring.db)
    assert (event.data["value_minor"], event.data["value_currency"]) == (700, "CNY")


def a_history(seed: int) -> Sequence[Event[Any]]:
    """Orders and refunds of three customers over two years, some on one day, and a merge of two of them."""
    chance = random.Random(seed)
    customers = [uuid7() for _ in range(3)]
    facts: list[Event[Any]] = []
    for _ in range(12):
        order = paid(
            chance.choice(customers),
            ago(days=chance.randrange(0, 700, 70), minutes=chance.randrange(600)),
            chance.randrange(0, 9_000),
            currency=chance.choice(["CNY", "CNY", "USD"]),
        )
        facts.append(order)
        facts += [
            refunded(order, NOW, chance.randrange(1, 9_000), id=f"r-{n}") for n in range(chance.choice([0, 0, 1, 2]))
        ]
    if seed % 2:
        facts.append(merged(customers[0], customers[1], NOW))
    return facts


@pytest.mark.parametrize("seed", range(6))
async def test_the_same_facts_in_any_order_end_in_the_same_state(seed: int, database_of: Any, clock: FrozenClock):
    facts, chance = a_history(seed), random.Random(seed)
    states = []

    for _ in range(3):
        database = await database_of("scoring_svc")
        arrivals = chance.sample(facts, len(facts)) + chance.choices(facts, k=5)
        while arrivals:
            cut = chance.randrange(1, 7)
            batch, arrivals = arrivals[:cut], arrivals[cut:]
            await deliver(SERVICE, database.db, [as_received(event) for event in batch], clock)
        states.append(await state_of(database.db))

    purchases, risks, due = states[0]
    assert all(purchases == other[0] for other in states[1:])
    # Whether someone is raised follows from the facts; since which crossing was told does not.
    assert all([row[:-1] for row in risks] == [row[:-1] for row in other[1]] for other in states[1:])
    assert all([row[-1] is None for row in risks] == [row[-1] is None for row in other[1]] for other in states[1:])
    assert all(due == other[2] for other in states[1:])


def as_received(event: Event[Any]) -> Event[Any]:
    """A copy, as following merges rewrites whom an event is about."""
    return Event(
        id=event.id,
        source=event.source,
        type=event.type,
        time=event.time,
        data=event.data,
        key=event.key,
        subject_id=UUID(event.key),
        topic=event.topic,
    )


async def test_a_merge_gives_the_survivor_the_orders_of_both(scoring: TestDatabase, clock: FrozenClock):
    old, new = uuid7(), uuid7()
    await deliver(SERVICE, scoring.db, [paid(old, ago(days=10)), paid(new, ago(days=3))], clock)

    await deliver(SERVICE, scoring.db, [merged(new, old, NOW)], clock)

    _, [risk], [timer] = await state_of(scoring.db)
    assert (risk[0], risk[1], risk[2], risk[3]) == (old, 2, 2, 7)
    assert timer[1] == str(old)


async def test_a_merge_with_a_recent_buyer_clears_the_risk_of_the_silent_one(scoring: TestDatabase, clock: FrozenClock):
    silent, recent = uuid7(), uuid7()
    await deliver(SERVICE, scoring.db, [paid(silent, ago(days=500)), paid(recent, ago(days=1))], clock)

    await deliver(SERVICE, scoring.db, [merged(silent, recent, NOW)], clock)

    assert await told(scoring.db) == [(RAISED, silent), (CLEARED, recent)]


async def test_a_merge_tells_anew_of_a_risk_that_stays(scoring: TestDatabase, clock: FrozenClock):
    one, other = uuid7(), uuid7()
    await deliver(SERVICE, scoring.db, [paid(one, ago(days=500), 7_000), paid(other, ago(days=600), 8_000)], clock)

    await deliver(SERVICE, scoring.db, [merged(one, other, NOW)], clock)

    events = await published(scoring.db)
    assert [(event.type, event.about) for event in events[2:]] == [(CHANGED, other)]
    assert events[-1].data["value_minor"] == 15_000
    assert (await state_of(scoring.db))[2] == []


async def test_an_order_still_in_flight_for_the_merged_customer_lands_on_the_survivor(
    scoring: TestDatabase, clock: FrozenClock
):
    gone, survivor = uuid7(), uuid7()
    await deliver(SERVICE, scoring.db, [merged(gone, survivor, NOW)], clock)

    await deliver(SERVICE, scoring.db, [paid(gone, ago(days=500))], clock)

    assert await told(scoring.db) == [(RAISED, survivor)]


async def test_a_payment_and_its_refund_that_meet_in_two_transactions_are_both_kept(
    scoring: TestDatabase, clock: FrozenClock
):
    orders = [paid(uuid7(), ago(days=500), 15_000) for _ in range(20)]

    for order in orders:
        await asyncio.gather(
            deliver(SERVICE, scoring.db, [order], clock),
            deliver(SERVICE, scoring.db, [refunded(order, NOW, 6_000)], clock),
        )

    purchases, risks, _ = await state_of(scoring.db)
    assert {row[6] for row in purchases} == {9_000}
    assert {row[5] for row in risks} == {9_000}


async def test_a_purchase_that_races_the_timer_leaves_risk_and_timer_in_agreement(
    scoring: TestDatabase, clock: FrozenClock
):
    customers = [uuid7() for _ in range(6)]
    await deliver(SERVICE, scoring.db, [paid(customer, NOW) for customer in customers], clock)
    clock.advance(timedelta(days=241))

    await asyncio.gather(
        fire(SERVICE, timers.kinds[0], scoring.db, clock),
        *(deliver(SERVICE, scoring.db, [paid(customer, clock.now())], clock) for customer in customers),
    )

    _, risks, due = await state_of(scoring.db)
    assert {row[-1] for row in risks} == {None}
    assert sorted(key for _, key, _ in due) == sorted(map(str, customers))
    events = await told(scoring.db)
    assert events.count((RAISED, customers[0])) == events.count((CLEARED, customers[0]))
