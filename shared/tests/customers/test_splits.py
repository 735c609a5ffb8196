"""Splits, as every service follows them: what was one is two again, whatever arrives first."""

import asyncio
from itertools import permutations

import pytest

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.loyalty import MemberEnrolled
from moat.contracts.orders import OrderPaid
from moat.customers import follow_customers, lock_customer, partings
from moat.customers.access import resolve
from moat.kit.feature import Feature, Service
from moat.kit.ids import uuid7
from moat.kit.messaging.subscriptions import Subscriptions
from moat.kit.testing import deliver
from moat.kit.testing.events import an_event


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


def a_merge(from_id, into):
    """What makes the event, as often as it is delivered: following it changes whom it is about."""
    name = str(uuid7())
    return lambda: an_event(CustomerMerged(from_id=from_id), about=into, id=name)


def a_split(merge, *, formers=(), orders=()):
    told, name = merge(), str(uuid7())
    data = CustomerSplit(
        from_id=told.data.from_id, merge_id=told.id, former_ids=tuple(formers), order_uids=tuple(orders)
    )
    return lambda: an_event(data, about=told.about, id=name)


def paid(about, order):
    data = OrderPaid(order_uid=order, order_source="/s", order_id="o", currency="CNY", total_minor=100)
    return an_event(data, about=about)


async def followed(db, *events):
    async with db.transaction() as tx:
        return await follow_customers(events, tx)


async def who_is(db, *ids):
    found = await followed(db, *(an_event(MemberEnrolled(), about=id_) for id_ in ids))
    return [event.about for event in found]


async def test_who_has_parted_is_himself_again_and_known(db):
    li, wang = uuid7(), uuid7()
    merge = a_merge(li, wang)
    split = a_split(merge)
    await followed(db, an_event(CustomerCreated(), about=li), an_event(CustomerCreated(), about=wang), merge())

    (told,) = await followed(db, split())

    assert await who_is(db, li, wang) == [li, wang]
    async with db.transaction() as tx:
        (one,) = await partings(tx, [told])
        known = await resolve(tx, li)
    assert (one.survivor_id, one.customer_id, list(one.origins)) == (wang, li, [li])
    assert (known[li].survivor, known[li].known) == (li, True)


async def test_a_merge_that_comes_again_after_its_split_has_no_effect_and_a_new_one_has(db):
    li, wang = uuid7(), uuid7()
    merge, again = a_merge(li, wang), a_merge(li, wang)
    split = a_split(merge)
    await followed(db, merge(), split())

    assert await followed(db, merge()) == []
    assert await followed(db, split()) == []
    assert await who_is(db, li) == [li]
    assert len(await followed(db, again())) == 1
    assert await who_is(db, li) == [wang]
    assert await followed(db, split(), merge()) == []
    assert await who_is(db, li) == [wang]


async def test_a_batch_of_nothing_but_what_is_undone_reaches_no_feature(db, clock):
    taken: list[object] = []
    subscriptions = Subscriptions()

    @subscriptions.on(CustomerMerged)
    async def take(batch, tx, clock):
        taken.append(batch)

    service = Service(
        name="probe-svc", title="", features=(Feature("probe", subscriptions=subscriptions),), follow=follow_customers
    )
    merge = a_merge(uuid7(), uuid7())
    await followed(db, merge(), a_split(merge)())

    await deliver(service, db, [merge()], clock)

    assert taken == []


async def test_a_split_that_comes_before_its_merge_keeps_it_off(db):
    merge = a_merge(li := uuid7(), uuid7())

    found = await followed(db, a_split(merge)(), merge())

    assert [type(event.data) for event in found] == [CustomerSplit]
    assert await who_is(db, li) == [li]


async def test_events_of_his_orders_that_name_the_survivor_are_about_him_who_has_parted(db):
    li, wang, his, other = uuid7(), uuid7(), uuid7(), uuid7()
    merge = a_merge(li, wang)
    await followed(db, merge(), a_split(merge, orders=[his])())

    found = await followed(db, paid(wang, his), paid(wang, other), paid(wang, his), paid(li, uuid7()))

    assert [event.about for event in found] == [li, wang, li, li]


async def test_a_chain_parts_in_any_order_of_arrival(db):
    """Li became Wang, Wang became Zhao; Wang parted with Li and an order of Li's, then Li parted with it."""
    for order in permutations(range(4)):
        li, wang, zhao, hers = uuid7(), uuid7(), uuid7(), uuid7()
        first, second = a_merge(li, wang), a_merge(wang, zhao)
        events = [first, second, a_split(second, formers=[li], orders=[hers]), a_split(first, orders=[hers])]

        for place in order:
            await followed(db, events[place]())

        assert await who_is(db, li, wang, zhao) == [li, wang, zhao], order
        assert [event.about for event in await followed(db, paid(zhao, hers), paid(wang, hers))] == [li, li], order


async def test_those_who_had_become_him_are_he_again(db):
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    first, second = a_merge(li, wang), a_merge(wang, zhao)
    await followed(db, first(), second())

    (told,) = await followed(db, a_split(second, formers=[li])())

    assert await who_is(db, li, wang, zhao) == [wang, wang, zhao]
    async with db.transaction() as tx:
        assert {*(await partings(tx, [told]))[0].origins} == {li, wang}


async def test_who_parted_and_was_merged_elsewhere_meanwhile_stays_there(db):
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    merge = a_merge(li, wang)
    await followed(db, merge(), a_merge(li, zhao)())

    (told,) = await followed(db, a_split(merge)())

    assert await who_is(db, li) == [zhao]
    async with db.transaction() as tx:
        (one,) = await partings(tx, [told])
    assert (one.survivor_id, one.customer_id) == (wang, zhao)


async def test_a_split_waits_for_those_who_have_read_that_two_are_one(db):
    li, wang = uuid7(), uuid7()
    merge = a_merge(li, wang)
    await followed(db, merge())
    read, go_on = asyncio.Event(), asyncio.Event()
    order = []

    async def command():
        async with db.transaction() as tx:
            assert await lock_customer(tx, li) == wang
            read.set()
            await go_on.wait()
            order.append("command")

    async def split():
        await read.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        await followed(db, a_split(merge)())
        order.append("split")

    await asyncio.gather(command(), split())

    assert order == ["command", "split"]
