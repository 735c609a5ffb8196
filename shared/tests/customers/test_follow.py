import asyncio
from uuid import uuid4

import pytest

from moat.contracts.customers import CustomerCreated, CustomerMerged
from moat.contracts.loyalty import MemberEnrolled
from moat.customers import follow_customers, lock_customer
from moat.kit.ids import uuid7
from moat.kit.testing.events import an_event


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


def merged(from_id, into):
    return an_event(CustomerMerged(from_id=from_id), about=into)


async def followed(db, *events):
    async with db.transaction() as tx:
        await follow_customers(events, tx)
    return [event.about for event in events]


async def test_events_of_the_merged_land_on_the_survivor_before_with_and_after_the_merge(db):
    gone, survivor = uuid7(), uuid7()

    assert await followed(db, an_event(MemberEnrolled(), about=gone)) == [gone]
    assert await followed(db, an_event(MemberEnrolled(), about=gone), merged(gone, survivor)) == [survivor] * 2
    assert await followed(db, an_event(MemberEnrolled(), about=gone)) == [survivor]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_chain_of_merges_is_flattened_in_any_order(db, order):
    first, second, last = uuid7(), uuid7(), uuid7()
    merges = [merged(first, second), merged(second, last)]

    for place in order:
        await followed(db, merges[place])

    ids = [first, second, last]
    assert await followed(db, *(an_event(MemberEnrolled(), about=id_) for id_ in ids)) == [last] * 3
    async with db.transaction() as tx:
        rows = await tx.all("SELECT to_id FROM customer_alias")
    assert {row.to_id for row in rows} == {last}


async def test_a_merge_waits_for_those_who_have_read_that_nobody_is_merged(db):
    gone, survivor = uuid4(), uuid4()
    read, go_on = asyncio.Event(), asyncio.Event()

    async def command():
        async with db.transaction() as tx:
            who = await lock_customer(tx, gone)
            read.set()
            await go_on.wait()
            await tx.execute("INSERT INTO known_customer (customer_id, created_at) VALUES (:id, now())", id=who)

    async def merge():
        await followed(db, merged(gone, survivor))
        async with db.transaction() as tx:
            return await tx.scalar("SELECT count(*) FROM known_customer WHERE customer_id = :id", id=gone)

    working = asyncio.create_task(command())
    await read.wait()
    merging = asyncio.create_task(merge())
    async with db.transaction() as tx:
        async with asyncio.timeout(5):
            while not await tx.scalar(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
            ):
                await asyncio.sleep(0.005)
    go_on.set()

    await working
    assert await merging == 1


async def test_a_created_customer_is_known_once(db):
    customer = uuid7()

    await followed(db, an_event(CustomerCreated(), about=customer), an_event(CustomerCreated(), about=customer))

    async with db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM known_customer WHERE customer_id = :id", id=customer) == 1
