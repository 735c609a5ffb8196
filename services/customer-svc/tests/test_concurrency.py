"""Several replicas at the same moment: they meet on locks and unique indexes, and the outcome is that of one."""

import asyncio
import itertools

import pytest

from customer_svc.features import SERVICE
from moat.contracts.loyalty import MemberEnrolled
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.testing import deliver, published
from moat.kit.testing.events import an_event

from .builders import activity, paid


async def deliver_until_taken(db, batch, clock) -> None:
    """As the consumer does: what the weather broke is tried again."""
    for _ in range(20):
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
