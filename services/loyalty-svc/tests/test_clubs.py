"""Who is in a club and until when: paying, values, invitations, time, merges; on PostgreSQL."""

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.clubs import following
from moat.kit.ids import uuid7

from .builders import a_customer, at, merged, paid, refunded
from .club_rooms import Rooms, a_club, bought, by_value
from .house import House
from .test_statements import counted


@pytest.fixture
def rooms(house: House) -> Rooms:
    return Rooms(house)


async def test_paying_joins_says_why_and_paying_early_goes_on_from_the_end(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.customer()

    await rooms.house.learn(bought(li, day=90))
    assert await rooms.stands(li) == ("active", at(120))
    await rooms.house.learn(bought(li, day=95, pieces=2))

    assert await rooms.stands(li) == ("active", at(180))
    found = await rooms.of(li)
    assert (found["since"], found["way"], found["rule"]) == (
        at(90).isoformat().replace("+00:00", "Z"),
        "payment",
        "circle@1",
    )
    facts = (await rooms.must("GET", f"/v1/customers/{li}/loyalty/clubs/circle/facts"))["items"]
    assert [(one["kind"], one["terms"], one["is_undone"]) for one in facts] == [("paid", 2, False), ("paid", 1, False)]
    assert await rooms.told() == ["joined", "renewed"]
    ((_, about, told),) = await rooms.house.said("club.joined")
    assert (about, told["club"], told["way"]) == (li, "circle", "payment")


async def test_a_full_refund_takes_back_what_its_order_gave_and_a_part_of_it_nothing(rooms: Rooms):
    await rooms.publish(a_club())
    li, first, second = await rooms.customer(), uuid7(), uuid7()
    await rooms.house.learn_one_by_one(bought(li, day=90, order=first), bought(li, day=95, order=second))

    await rooms.house.learn(refunded(li, second, 5_000, day=96))
    assert await rooms.stands(li) == ("active", at(150))
    await rooms.house.learn(refunded(li, second, 4_900, refund="r-2", day=97))
    assert await rooms.stands(li) == ("active", at(120))
    await rooms.house.learn(refunded(li, first, 9_900, day=98))

    assert await rooms.stands(li) == ("none", None)
    assert await rooms.told(li) == ["joined", "renewed", "renewal_withdrawn", "left"]
    assert [told["reason"] for _, _, told in await rooms.house.said("club.left")] == ["withdrawn"]


async def test_orders_refunds_and_a_merge_in_any_order_end_in_the_same(rooms: Rooms):
    await rooms.publish(a_club())
    ends = set()

    for places in list(permutations(range(6)))[::45]:
        li, wang, order, other = uuid7(), uuid7(), uuid7(), uuid7()
        facts = [
            bought(li, day=60),
            bought(wang, day=70, order=order),
            refunded(wang, order, 9_900, day=75),
            bought(li, day=92, order=other, pieces=2),
            refunded(li, other, 100, day=93),
            merged(wang, li, day=80),
        ]
        await rooms.house.learn(a_customer(li), a_customer(wang))
        await rooms.house.learn_one_by_one(*(facts[place] for place in places))
        await rooms.house.learn(*facts)
        ends.add((await rooms.stands(li), await row_of(rooms, li), await row_of(rooms, wang)))

    assert ends == {(("active", at(150)), (at(60), at(150), at(153), None), None)}


async def row_of(rooms: Rooms, who: UUID) -> Any:
    async with rooms.house.db.transaction() as tx:
        row = await tx.first(
            "SELECT joined_at, ends_at, lapses_at, ended_by FROM club_membership WHERE customer_id = :id", id=who
        )
    return tuple(row) if row else None


@pytest.mark.parametrize("over", ["term", "lifetime"])
async def test_values_and_refunds_in_any_order_end_in_the_same(rooms: Rooms, over: str):
    await rooms.publish(a_club(**by_value(5_000, over=over)))
    ends = set()

    for places in permutations(range(4)):
        li, order = uuid7(), uuid7()
        facts = [
            paid(li, 3_000, day=80),
            paid(li, 2_500, day=85, order=order),
            refunded(li, order, 2_500, day=86),
            paid(li, 2_000, day=90),
        ]
        await rooms.house.learn(a_customer(li))
        await rooms.house.learn_one_by_one(*(facts[place] for place in places))
        ends.add((await rooms.stands(li), (await rooms.of(li))["since"]))

    assert len(ends) == 1
    ((stands, since),) = ends
    assert stands == ("active", at(120) if over == "term" else None)
    assert since.startswith(at(90).date().isoformat())


async def test_growth_that_any_event_brings_joins_by_itself_and_nobody_joins_for_less(rooms: Rooms):
    await rooms.publish(a_club(**by_value(50, kind="growth", over="lifetime")))
    li, wang = await rooms.customer(), await rooms.customer()

    await rooms.house.learn(paid(li, 5_000, day=90), paid(wang, 4_900, day=90))

    assert await rooms.stands(li) == ("active", None)
    assert await rooms.stands(wang) == ("none", None)
    assert (await rooms.of(li))["way"] == "value"


async def test_two_who_turn_out_to_be_one_reach_together_what_neither_did(rooms: Rooms):
    await rooms.publish(a_club(**by_value(5_000)))
    li, wang = await rooms.customer(), await rooms.customer()
    await rooms.house.learn(paid(li, 3_000, day=90), paid(wang, 3_000, day=95))
    assert await rooms.told() == []

    await rooms.house.learn(merged(wang, li, day=99))

    assert await rooms.stands(li) == ("active", at(125))


async def test_a_member_leaves_by_his_own_wish_and_may_come_back_by_paying(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)

    assert (await rooms.act(li, "leave", own=True)).json()["status"] == "left"
    assert (await rooms.act(li, "leave", own=True)).status_code == 409
    rooms.house.clock.set(at(101))
    await rooms.house.learn(bought(li, day=101))

    assert await rooms.stands(li) == ("active", at(131))
    assert await rooms.told(li) == ["joined", "left", "joined"]


async def test_staff_renew_from_the_end_and_remove_with_a_reason(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)

    assert (await rooms.act(li, "renew")).status_code == 200
    assert await rooms.stands(li) == ("active", at(150))
    assert (await rooms.act(li, "remove")).json()["status"] == "removed"

    facts = (await rooms.must("GET", f"/v1/customers/{li}/loyalty/clubs/circle/facts"))["items"]
    assert [(one["kind"], one["reason"]) for one in facts] == [
        ("removed", "as agreed"),
        ("renewed", "as agreed"),
        ("paid", None),
    ]
    own = (await rooms.must("GET", f"/v1/customers/{li}/loyalty/clubs/circle/facts", own=li))["items"]
    assert [(one["kind"], one["reason"]) for one in own] == [("removed", None), ("renewed", None), ("paid", None)]
    assert (await rooms.act(li, "renew")).json()["texts"]["zh-CN"] == "不是该俱乐部成员"
    assert (await rooms.act(li, "remove", own=True)).status_code == 403


async def test_a_survivor_keeps_the_later_end_whoever_had_it(rooms: Rooms):
    await rooms.publish(a_club())
    li, wang = await rooms.member(day=80), await rooms.member(day=95)
    he, she = await rooms.member(day=95), await rooms.member(day=80)

    await rooms.house.learn(merged(wang, li, day=99), merged(she, he, day=99))

    # Both paid, so both terms count, one after the other.
    assert await rooms.stands(li) == await rooms.stands(he) == ("active", at(140))
    assert await row_of(rooms, wang) is None
    await rooms.until(143)
    assert (await rooms.told(li))[-1] == "lapsed"


async def test_who_left_as_one_of_two_stays_as_the_other(rooms: Rooms):
    await rooms.publish(a_club())
    li, wang = await rooms.member(day=90), await rooms.member(day=95)
    he, she = await rooms.member(day=90), await rooms.member(day=95)
    await rooms.act(wang, "leave")
    await rooms.act(he, "leave")

    await rooms.house.learn(merged(wang, li, day=100), merged(she, he, day=100))

    assert await rooms.stands(li) == ("active", at(120))
    assert await rooms.stands(he) == ("active", at(125))
    assert (await rooms.told(he))[-1] == (await rooms.told(wang))[-1] == "left"


async def test_two_orders_at_once_give_both_terms(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=80)

    await asyncio.gather(*[rooms.house.learn(bought(li, day=90 + day)) for day in range(4)])

    assert await rooms.stands(li) == ("active", at(80 + 5 * 30))


async def test_a_batch_that_no_club_is_about_reads_the_documents_and_nothing_else(rooms: Rooms):
    await rooms.publish(a_club())
    batch = [paid(uuid7(), 1_000) for _ in range(200)]
    async with rooms.house.db.transaction() as tx:
        await following.follow_facts(tx, batch, now=at(100))

    with counted() as sent:
        async with rooms.house.db.transaction() as tx:
            await following.follow_facts(tx, batch, now=at(100))

    assert [one.split()[0] for one in sent] == ["SELECT"]


@pytest.mark.parametrize("members", [1, 50])
async def test_statements_do_not_grow_with_a_batch(rooms: Rooms, members: int):
    await rooms.publish(a_club())
    batch = [bought(uuid7(), day=90) for _ in range(members)]
    async with rooms.house.db.transaction() as tx:
        await following.follow_facts(tx, batch[:1], now=at(100))

    with counted() as sent:
        async with rooms.house.db.transaction() as tx:
            await following.follow_facts(tx, batch, now=at(100))

    # Documents, rows, facts, orders given back, facts, memberships, timers, events.
    assert len(sent) <= 10
