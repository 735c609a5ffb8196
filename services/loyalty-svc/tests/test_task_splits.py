"""Tasks of two who turn out to be one, and of two who are two again: each reason gives once and is taken back once."""

from itertools import permutations
from uuid import UUID

from moat.kit.ids import uuid7

from .builders import a_customer, again, at, merged, paid, parted, refunded
from .coupon_shop import Shop, amount_off
from .house import House
from .task_plans import REGULAR, a_step, a_task, an_activity, available, completed, did, publish, three_orders


async def two(house: House) -> tuple[UUID, UUID]:
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang))
    return li, wang


async def first_order(house: House) -> None:
    await publish(house, "first", a_task(a_step(times=1)))


async def test_full_refunds_take_back_what_both_were_given_before_they_were_one(house: House):
    await first_order(house)
    (li, wang), his, hers = await two(house), uuid7(), uuid7()
    await house.learn(paid(li, 1_000, order=his, day=1), paid(wang, 1_000, order=hers, day=2))
    await house.learn(merged(li, wang))
    assert await available(house, wang) == 220

    await house.learn(refunded(wang, his, 1_000, day=60))
    assert await available(house, wang) == 210
    await house.learn(refunded(wang, hers, 1_000, refund="r-2", day=61))

    assert await available(house, wang) == 0
    assert await completed(house, wang) == [("first", "ever", False)]
    assert (await house.audit()).violations == []


async def test_codes_that_both_were_given_are_withdrawn_together(house: House):
    await Shop(house).publish("thanks", amount_off(500), valid_from=at(0).isoformat(), confirm=["documents.backdated"])
    await publish(house, "first", a_task(a_step(times=1), reward={"kind": "coupon", "coupon": "thanks"}))
    (li, wang), his, hers = await two(house), uuid7(), uuid7()
    await house.learn(paid(li, 1_000, order=his), paid(wang, 1_000, order=hers))
    await house.learn(merged(li, wang))

    await house.learn(refunded(wang, his, 1_000), refunded(wang, hers, 1_000, refund="r-2"))

    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FILTER (WHERE withdrawn_at IS NULL) FROM coupon_code") == 0


async def test_after_a_split_each_has_completed_what_he_did_himself_and_is_rewarded_once(house: House):
    await three_orders(house, badge=REGULAR)
    (li, wang), orders = await two(house), [uuid7() for _ in range(3)]
    await house.learn(*(paid(li, 1_000, order=order, day=day) for day, order in enumerate(orders, 1)))
    merge = merged(li, wang)

    await house.learn(again(merge))
    await house.learn(parted(merge, *orders))
    await house.learn(*(paid(li, 1_000, day=day) for day in (70, 71, 72)))

    assert await completed(house, li) == [("three-orders", "ever", True)]
    assert await completed(house, wang) == []
    assert (await available(house, li), await available(house, wang)) == (160, 0)
    assert len(await house.said("task.completed")) == 1
    assert (await house.audit()).violations == []


async def test_what_only_both_together_had_done_is_taken_back_when_they_part(house: House):
    await three_orders(house)
    (li, wang), order = await two(house), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 1_000, order=order, day=1), paid(wang, 1_000, day=2), paid(wang, 1_000, day=3))
    await house.learn(again(merge))
    assert await available(house, wang) == 130

    await house.learn(parted(merge, order))

    assert (await available(house, li), await available(house, wang)) == (10, 20)
    assert await completed(house, wang) == [("three-orders", "ever", False)]
    assert (await house.audit()).violations == []


async def test_both_completions_part_and_each_goes_with_its_own_refund(house: House):
    await first_order(house)
    (li, wang), his, hers = await two(house), uuid7(), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 1_000, order=his, day=1), paid(wang, 1_000, order=hers, day=2))
    await house.learn(again(merge))

    await house.learn(parted(merge, his))
    assert await completed(house, li) == await completed(house, wang) == [("first", "ever", True)]
    await house.learn(refunded(li, his, 1_000, day=70))

    assert (await available(house, li), await available(house, wang)) == (0, 110)
    assert await completed(house, li) == [("first", "ever", False)]
    assert (await house.audit()).violations == []


async def test_a_chain_parts_from_its_end_with_the_completions_of_each(house: House):
    await first_order(house)
    members, orders = [uuid7() for _ in range(3)], [uuid7() for _ in range(3)]
    li, wang, zhao = members
    first, second = merged(li, wang, day=50), merged(wang, zhao, day=51)
    await house.learn(*map(a_customer, members))
    await house.learn(*(paid(who, 1_000, order=order) for who, order in zip(members, orders, strict=True)))
    await house.learn(again(first), again(second))

    await house.learn(parted(second, orders[0], orders[1], formers=(li,)))
    assert [await available(house, who) for who in members] == [0, 220, 110]
    await house.learn(parted(first, orders[0]))

    assert [await available(house, who) for who in members] == [110, 110, 110]
    for who in members:
        assert await completed(house, who) == [("first", "ever", True)]
    await house.learn(*(refunded(who, order, 1_000) for who, order in zip(members, orders, strict=True)))
    assert [await available(house, who) for who in members] == [0, 0, 0]
    assert (await house.audit()).violations == []


async def test_what_he_did_without_orders_before_the_merge_is_his_again(house: House):
    await publish(house, "twice", a_task(an_activity("in", "signed_in", times=2)))
    li, wang = await two(house)
    merge = merged(li, wang)
    await house.learn_one_by_one(did(li, "signed_in", day=1), again(merge))

    await house.learn(parted(merge), did(li, "signed_in", day=70), did(wang, "signed_in", day=70))

    assert (await available(house, li), await available(house, wang)) == (100, 0)


async def test_orders_refunds_merge_and_split_in_any_order_complete_the_same(house: House):
    await publish(house, "two", a_task(a_step(times=2)))
    ends = []
    for places in list(permutations(range(6)))[::23]:
        (li, wang), order, since = await two(house), uuid7(), uuid7()
        merge = merged(li, wang, day=4)
        facts = [
            paid(li, 1_000, order=order, day=1),
            paid(wang, 1_000, day=3),
            paid(wang, 1_000, order=since, day=5),
            paid(wang, 1_000, order=(gone := uuid7()), day=6),
            refunded(wang, gone, 1_000, day=7),
            parted(merge, order, since, day=8),
        ]
        arrival = [facts[place] for place in places]
        arrival.insert(places[0] % (arrival.index(facts[5]) + 1), merge)
        for event in [*arrival, *arrival]:
            await house.learn(again(event))
        ends.append(await state_of(house, li, wang))

    assert (await house.audit()).violations == []
    assert set(ends) == {((120, True), (10, False))}


async def state_of(house: House, *customers: UUID) -> tuple[tuple[int, bool], ...]:
    found = [(await available(house, who), await completed(house, who)) for who in customers]
    return tuple((points, any(stands for _, _, stands in done)) for points, done in found)
