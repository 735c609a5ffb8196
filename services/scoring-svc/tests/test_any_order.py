"""Facts in any order, merges in between, two transactions at once: the same state."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver, published
from moat.kit.timers.runner import fire
from scoring_svc.features import SERVICE
from scoring_svc.risk.timers import timers

from .builders import merged, paid, refunded
from .reading import CHANGED, CLEARED, NOW, RAISED, ago, state_of, told


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
