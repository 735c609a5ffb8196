"""What becomes of a gift whose reason falls away: taken back, or kept where it was used already; on PostgreSQL."""

from typing import Any
from uuid import UUID

import pytest

from moat.kit.ids import uuid7

from .builders import a_customer, again, merged, paid, parted, refunded
from .coupon_shop import Shop, amount_off
from .house import House
from .milestone_plans import available, publish
from .task_plans import a_step, a_task
from .task_plans import publish as publish_task

FIRST_ORDER = {"trigger": {"kind": "nth_order", "n": 1}, "once": "ever"}


async def codes_of(house: House, who: UUID) -> list[str]:
    async with house.db.transaction() as tx:
        return [row.code for row in await tx.all("SELECT code FROM coupon_code WHERE customer_id = :id", id=who)]


async def reached(house: House, who: UUID, what: str = "milestones") -> list[dict[str, Any]]:
    answer = await Shop(house).ask("GET", f"/v1/customers/{who}/loyalty/{what}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_coupon_that_was_used_stays_the_gift_and_no_other_is_given(house: House):
    shop = Shop(house)
    await shop.publish("thanks", amount_off(500))
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "coupon", "coupon": "thanks"})
    li = await shop.member()
    order = paid(li, 10_000, day=99)
    await house.learn(order)
    (code,) = await codes_of(house, li)
    await shop.act(li, await shop.reserved(li, code), "redeem")

    for number in range(3):
        await house.learn(refunded(li, order.data.order_uid, 10_000, day=100))
        assert [one["withdrawn_at"] for one in await reached(house, li)] == [None]
        order = paid(li, 10_000, day=100 + number)
        await house.learn(order)

    assert await codes_of(house, li) == [code]
    assert len(await house.said("milestone.reached")) == 1


async def test_a_task_whose_coupon_was_used_stands_and_gives_no_other(house: House):
    shop = Shop(house)
    await shop.publish("thanks", amount_off(500))
    await publish_task(house, "first", a_task(a_step(times=1), reward={"kind": "coupon", "coupon": "thanks"}))
    li = await shop.member()
    order = paid(li, 10_000)
    order.time = house.clock.now()
    await house.learn(order)
    (code,) = await codes_of(house, li)
    await shop.act(li, await shop.reserved(li, code), "redeem")

    for _ in range(2):
        await house.learn(refunded(li, order.data.order_uid, 10_000))
        assert [one["withdrawn_at"] for one in await reached(house, li, "tasks/completed")] == [None]
        order = paid(li, 10_000)
        order.time = house.clock.now()
        await house.learn(order)

    assert await codes_of(house, li) == [code]
    assert len(await house.said("task.completed")) == 1
    assert await house.said("task.withdrawn") == []


async def test_a_gift_that_stands_is_the_survivors_where_his_own_was_taken_back(house: House):
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "points", "points": 1_000})
    li, wang = uuid7(), uuid7()
    order = paid(li, 10_000, day=1)
    await house.learn_one_by_one(order, refunded(li, order.data.order_uid, 10_000, day=2), paid(wang, 10_000, day=3))
    assert (await available(house, li), await available(house, wang)) == (0, 1_100)

    await house.learn(merged(wang, li))

    assert await available(house, li) == 1_100
    assert len(await house.said("milestone.reached")) == 2
    assert (await house.audit()).violations == []


@pytest.mark.parametrize("first_back", [0, 1])
async def test_of_two_gifts_that_one_customer_has_by_a_merge_nothing_is_left_without_an_order(
    house: House, first_back: int
):
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "points", "points": 1_000})
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    orders = [paid(li, 10_000, day=1), paid(wang, 10_000, day=2), paid(zhao, 10_000, day=3)]
    await house.learn_one_by_one(*orders, merged(zhao, wang), merged(wang, li, day=51))
    assert await available(house, li) == 3 * 1_100

    backs = [refunded(li, one.data.order_uid, 10_000, refund=f"r-{one.id}", day=60) for one in orders]
    await house.learn_one_by_one(*backs[first_back:], *backs[:first_back])

    assert await available(house, li) == 0
    await house.learn(paid(li, 10_000, day=61))
    assert await available(house, li) == 1_100
    assert (await house.audit()).violations == []


async def test_who_parts_again_has_the_gift_that_he_had_and_gets_no_other(house: House):
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "points", "points": 1_000})
    li, wang = uuid7(), uuid7()
    ours, his = paid(li, 10_000, day=1), paid(wang, 10_000, day=2)
    merge = merged(wang, li)
    await house.learn_one_by_one(a_customer(wang), ours, his, again(merge), parted(merge, his.data.order_uid))

    await house.learn(paid(wang, 10_000, day=61))
    assert await available(house, wang) == 1_200

    await house.learn(refunded(li, ours.data.order_uid, 10_000, day=62))
    assert (await available(house, li), await available(house, wang)) == (0, 1_200)
    assert [one["withdrawn_at"] for one in await reached(house, wang)] == [None]
    assert (await house.audit()).violations == []


async def test_who_parts_with_somebody_who_had_become_him_has_both_gifts_of_the_two(house: House):
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "points", "points": 1_000})
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    his, hers = paid(wang, 10_000, day=2), paid(zhao, 10_000, day=3)
    merge = merged(wang, li, day=51)
    await house.learn_one_by_one(a_customer(wang), paid(li, 10_000, day=1), his, hers, merged(zhao, wang), again(merge))

    await house.learn(parted(merge, his.data.order_uid, hers.data.order_uid, formers=(zhao,)))
    assert (await available(house, li), await available(house, wang)) == (1_100, 2_200)

    backs = [refunded(wang, one.data.order_uid, 10_000, refund=f"r-{one.id}", day=62) for one in (his, hers)]
    await house.learn_one_by_one(*backs)
    assert (await available(house, li), await available(house, wang)) == (1_100, 0)
    assert (await house.audit()).violations == []
