"""Several replicas at the same moment: they meet on locks and unique indexes, and the outcome is that of one."""

import asyncio
import itertools
import random

import pytest

from customer_svc.features import SERVICE
from moat.contracts.loyalty import MemberEnrolled
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.testing import deliver, published
from moat.kit.testing.events import an_event

from .builders import activity, paid, refunded


async def deliver_until_taken(db, batch, clock) -> None:
    """As the consumer does: what the weather broke is tried again."""
    for _ in range(60):
        try:
            await deliver(SERVICE, db, batch, clock)
        except Exception as error:
            if failure_of(error) is not Failure.TRANSIENT:
                raise
        else:
            return
    pytest.fail("the batch was never taken")


async def count(db, table: str) -> int:
    async with db.transaction() as tx:
        return await tx.scalar(f"SELECT count(*) FROM {table}")


async def test_twenty_first_facts_of_one_customer_make_one_customer(db, clock):
    batches = [[paid(f"o-{n}", "main/customer_id/7", "x/phone/13800138000")] for n in range(20)]

    await asyncio.gather(*(deliver_until_taken(db, batch, clock) for batch in batches))

    assert await count(db, "known_customer") == 1
    async with db.transaction() as tx:
        assert await tx.scalar("SELECT orders_count FROM profile") == 20
    created = [event for event in await published(db) if event.type == "moat.customer.created.v1"]
    assert len(created) == 1


async def test_facts_of_one_order_from_several_customers_at_once_count_once(db, clock):
    batches = [[paid("o-1", f"main/customer_id/{n}", total=100)] for n in range(1, 9)]

    await asyncio.gather(*(deliver_until_taken(db, batch, clock) for batch in batches))

    async with db.transaction() as tx:
        assert await tx.scalar("SELECT sum(orders_count) FROM profile") == 1
    assert len([event for event in await published(db) if event.type == "moat.order.paid.v1"]) == 1


async def test_joins_from_all_sides_at_once_leave_one_customer_with_everything(db, clock):
    names = [f"s{n}/customer_id/7" for n in range(6)]
    for number, name in enumerate(names):
        await deliver(SERVICE, db, [paid(f"o-{number}", name, total=100)], clock)
    batches = [[activity("seen", a, b)] for a, b in itertools.pairwise(names)]

    await asyncio.gather(*(deliver_until_taken(db, batch, clock) for batch in batches))

    assert await count(db, "known_customer") == 1
    async with db.transaction() as tx:
        row = await tx.one("SELECT customer_id, orders_count, spent FROM profile")
        owners = await tx.all("SELECT DISTINCT customer_id FROM customer_order UNION SELECT customer_id FROM timeline")
    assert (row.orders_count, row.spent) == (6, {"CNY": 600})
    assert [owner.customer_id for owner in owners] == [row.customer_id]


async def test_what_other_services_tell_of_the_merged_lands_on_the_survivor_whatever_comes_first(db, clock):
    await deliver(SERVICE, db, [paid("o-1", "a/customer_id/1")], clock)
    await deliver(SERVICE, db, [paid("o-2", "b/customer_id/1")], clock)
    _, second = (event.about for event in await published(db) if event.type == "moat.customer.created.v1")
    early, late = (an_event(MemberEnrolled(), about=second) for _ in range(2))

    await deliver(SERVICE, db, [early], clock)
    await deliver(SERVICE, db, [activity("seen", "a/customer_id/1", "b/customer_id/1")], clock)
    await deliver(SERVICE, db, [late], clock)

    async with db.transaction() as tx:
        living = await tx.scalar("SELECT customer_id FROM known_customer")
        owners = await tx.all("SELECT customer_id FROM timeline WHERE kind = 'member.enrolled'")
    assert [owner.customer_id for owner in owners] == [living, living]


async def test_replicas_that_take_everything_at_once_leave_nothing_with_the_dead(db, clock):
    chance = random.Random(7)
    systems = "abcdef"

    def names() -> list[str]:
        person = chance.randint(1, 12)
        return [f"{system}/customer_id/{person}" for system in chance.sample(systems, chance.randint(1, 2))]

    facts = [paid(f"o-{n}", *names(), total=100) for n in range(240)]
    facts += [refunded(f"o-{n}", *names(), amount=30) for n in range(0, 240, 2)]
    chance.shuffle(facts)

    async def replica(number: int) -> None:
        for start in range(number * 10, len(facts), 40):
            await deliver_until_taken(db, facts[start : start + 10], clock)
            about = {event.about for event in await published(db)}
            told = [an_event(MemberEnrolled(), about=id_) for id_ in chance.sample(sorted(about), min(5, len(about)))]
            await deliver_until_taken(db, told, clock)

    await asyncio.gather(*(replica(number) for number in range(4)))

    async with db.transaction() as tx:
        for table in ("timeline", "customer_order", "identifier", "fact", "profile"):
            lost = f"SELECT count(*) FROM {table} WHERE customer_id NOT IN (SELECT customer_id FROM known_customer)"
            assert await tx.scalar(lost) == 0, table
        figures = await tx.one(
            "SELECT sum(orders_count) AS orders, sum(CAST(spent->>'CNY' AS bigint)) AS spent FROM profile"
        )
        assert await tx.scalar("SELECT count(*) FROM fact") == len(facts)
        chains = "SELECT count(*) FROM customer_alias a JOIN customer_alias b ON a.to_id = b.from_id"
        assert await tx.scalar(chains) == 0
    assert (figures.orders, figures.spent) == (240, 240 * 100 - 120 * 30)
