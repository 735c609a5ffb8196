"""Tasks over what members do and buy, on PostgreSQL."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from moat.kit.ids import uuid7

from .builders import a_customer, at, merged, paid, refunded
from .coupon_shop import Shop, amount_off
from .house import House
from .task_plans import (
    REGULAR,
    a_step,
    a_task,
    an_activity,
    available,
    completed,
    did,
    progress,
    publish,
    three_orders,
)


async def test_the_third_order_in_thirty_days_gives_its_reward_and_says_why(house: House):
    await three_orders(house, badge=REGULAR)
    li = uuid7()
    await house.learn(a_customer(li), paid(li, 1_000, day=80), paid(li, 1_000, day=85))

    (step,) = (await progress(house, li))["three-orders"]["steps"]
    assert (step["done"], step["needed"], step["missing"]) == (2, 3, "1 more to go within 30 days")

    await house.learn(paid(li, 1_000, day=90))

    assert await available(house, li) == 130
    ((_, about, told),) = await house.said("task.completed")
    assert about == li
    assert told | {"posting_id": None} == {
        "task": "three-orders",
        "period": "ever",
        "rule": "three-orders@1",
        "badge": "regular",
        "account_type": "points",
        "points": 100,
        "posting_id": None,
        "coupon": None,
    }
    assert [told["steps"][0]["done"] for _, _, told in await house.said("task.progressed")] == [2, 3]
    assert (await progress(house, li))["three-orders"]["completed_at"] is not None
    assert (await house.audit()).violations == []


@pytest.mark.parametrize(("last_day", "end"), [(20, 130), (35, 30)])
async def test_orders_and_refunds_in_any_order_end_in_the_same(house: House, last_day: int, end: int):
    await three_orders(house)
    ends = set()

    for places in list(permutations(range(5)))[::5]:
        li, order = uuid7(), uuid7()
        facts = [
            paid(li, 1_000, day=1),
            paid(li, 1_000, day=2, order=order),
            refunded(li, order, 1_000, day=3),
            paid(li, 1_000, day=4),
            paid(li, 1_000, day=last_day),
        ]
        await house.learn(a_customer(li))
        await house.learn_one_by_one(*(facts[place] for place in places))
        await house.learn(*facts)
        ends.add((await available(house, li), len(await standing(house, li))))

    assert ends == {(end, int(end > 100))}
    assert (await house.audit()).violations == []


async def test_one_batch_of_them_ends_in_the_same_as_one_by_one(house: House):
    await three_orders(house)

    for places in permutations(range(4)):
        li, order = uuid7(), uuid7()
        facts = [paid(li, 1_000, day=day) for day in (1, 2)] + [paid(li, 1_000, day=3, order=order)]
        facts.append(refunded(li, order, 400, day=4))
        await house.learn(*(facts[place] for place in places))
        assert await available(house, li) == 20 + 6 + 100


async def standing(house: House, who: Any) -> list[tuple[str, str]]:
    return [(task, period) for task, period, stands in await completed(house, who) if stands]


async def test_a_refund_takes_the_reward_back_and_another_order_earns_it_again(house: House):
    await three_orders(house)
    li, order = uuid7(), uuid7()
    await house.learn(
        a_customer(li), paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(li, 1_000, order=order, day=3)
    )
    assert await available(house, li) == 130

    await house.learn(refunded(li, order, 1_000, day=4))
    assert await available(house, li) == 20
    assert await completed(house, li) == [("three-orders", "ever", False)]
    assert len(await house.said("task.withdrawn")) == 1

    await house.learn(paid(li, 1_000, day=5))
    assert await available(house, li) == 130
    assert await completed(house, li) == [("three-orders", "ever", True)]
    assert (await house.audit()).violations == []


async def test_seven_days_of_checking_in_complete_the_task_that_runs_from_the_start(house: House):
    li = uuid7()
    days = [did(li, day=91 + day) for day in range(7)]
    await house.learn(a_customer(li), *days[::-2])
    assert await available(house, li) == 0

    await house.learn(*days[1::2], did(li, "browsed", day=98))

    assert await available(house, li) == 20
    ((_, _, told),) = await house.said("task.completed")
    assert (told["task"], told["period"], told["badge"]) == ("check-in-week", at(91).strftime("%Y-%m"), "regular")


async def test_a_history_that_is_loaded_earns_nothing_by_the_task_that_runs_from_the_start(house: House):
    li = uuid7()
    await house.learn(*(did(li, day=day, late=90 - day) for day in range(1, 9)))
    await house.learn(*(paid(li, 1_000, day=day) for day in range(1, 9)))

    assert await available(house, li) == 80
    assert await house.said("task.progressed", "task.completed") == []


async def test_days_begin_at_midnight_in_the_zone_of_the_programme(house: House):
    """16:00 UTC is midnight in Shanghai; `at(n)` is 08:00 UTC."""
    await publish(house, "two-days", a_task(an_activity("in", "check_in") | {"target": {"kind": "streak", "days": 2}}))
    li, wang = uuid7(), uuid7()

    await house.learn(did(li, day=50.3), did(li, day=50.34))
    await house.learn(did(wang, day=50.34), did(wang, day=51.3))

    assert (await available(house, li), await available(house, wang)) == (100, 0)


async def test_a_task_may_have_several_steps_over_different_events(house: House):
    steps = [an_activity("profile", "profile_completed", times=1), a_step("order", times=1)]
    await publish(house, "welcome", a_task(*steps, in_order=True))
    li = uuid7()

    await house.learn(a_customer(li), paid(li, 1_000, day=1), did(li, "profile_completed", day=2))
    assert [step["done"] for step in (await progress(house, li))["welcome"]["steps"]] == [1, 0]
    await house.learn(paid(li, 1_000, day=3))

    assert await available(house, li) == 120


async def test_a_task_of_every_month_is_completed_once_in_each(house: House):
    await publish(house, "reviewer", a_task(an_activity("review", "review_written", times=1), every="month"))
    li = uuid7()

    await house.learn(a_customer(li), *(did(li, "review_written", day=day) for day in (1, 2, 40, 41, 75)))

    periods = sorted({at(day).strftime("%Y-%m") for day in (1, 40, 75)})
    assert sorted(await standing(house, li)) == [("reviewer", period) for period in periods]
    assert await available(house, li) == 100 * len(periods)


async def test_what_lies_before_the_start_or_after_the_end_does_not_count(house: House):
    await three_orders(house, starts_at=at(10).isoformat(), ends_at=at(20).isoformat())
    li = uuid7()

    await house.learn(a_customer(li), *(paid(li, 1_000, day=day) for day in (9, 10, 11, 20)))
    assert await available(house, li) == 40
    assert (await progress(house, li)).keys() == {"check-in-week"}

    await house.learn(paid(li, 1_000, day=19.9))
    assert await available(house, li) == 150


async def test_the_same_thing_told_again_counts_once(house: House):
    await publish(house, "twice", a_task(an_activity("in", "signed_in", times=2)))
    li = uuid7()
    once = did(li, "signed_in")

    await house.learn(once, once)
    await house.learn(once)

    assert await available(house, li) == 0
    assert [told["steps"][0]["done"] for _, _, told in await house.said("task.progressed")] == [1]


async def test_two_who_turn_out_to_be_one_have_done_what_either_did(house: House):
    await three_orders(house)
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang))
    await house.learn(paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(wang, 1_000, day=3))

    await house.learn(merged(li, wang))
    assert await available(house, wang) == 130
    await house.learn(paid(li, 1_000, day=4))

    assert await available(house, wang) == 140
    assert await completed(house, wang) == [("three-orders", "ever", True)]
    assert (await house.audit()).violations == []


async def test_what_a_merged_member_completed_is_taken_back_from_the_survivor(house: House):
    await three_orders(house)
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(li, 1_000, day=3, order=order))
    await house.learn(merged(li, wang))
    assert await available(house, wang) == 130

    await house.learn(refunded(wang, order, 1_000, day=60))

    assert await available(house, wang) == 20
    assert (await house.audit()).violations == []


async def test_two_replicas_that_tell_of_one_member_complete_it_once(house: House):
    await publish(house, "six", a_task(an_activity("in", "signed_in", times=6)))
    members = [uuid7() for _ in range(3)]
    rounds = [[did(who, "signed_in", day=day) for who in members] for day in range(1, 9)]

    await asyncio.gather(*(house.learn(*facts) for facts in rounds))

    assert [await available(house, who) for who in members] == [100, 100, 100]
    assert len(await house.said("task.completed")) == 3
    assert (await house.audit()).violations == []


async def test_an_order_and_its_refund_at_once_leave_nothing(house: House):
    await publish(house, "first", a_task(a_step(times=1)))
    orders = [(uuid7(), uuid7()) for _ in range(6)]

    await asyncio.gather(
        *(house.learn(paid(who, 1_000, order=order)) for who, order in orders),
        *(house.learn(refunded(who, order, 1_000)) for who, order in orders),
    )

    assert [await available(house, who) for who, _ in orders] == [0] * 6
    assert (await house.audit()).violations == []


async def test_a_reward_may_be_a_coupon_that_a_refund_takes_away(house: House):
    shop = Shop(house)
    await shop.publish("thanks", amount_off(500), valid_from=at(0).isoformat(), confirm=["documents.backdated"])
    await publish(house, "first", a_task(a_step(times=1), reward={"kind": "coupon", "coupon": "thanks"}))
    li, order = uuid7(), uuid7()
    await house.learn(a_customer(li), paid(li, 1_000, order=order))

    assert [told["coupon"] for _, _, told in await house.said("coupon.issued")] == ["thanks"]
    assert await available(house, li) == 10

    await house.learn(refunded(li, order, 1_000))
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT withdrawn_at IS NOT NULL FROM coupon_code WHERE customer_id = :id", id=li)


async def test_growth_that_a_task_gives_moves_the_tier_and_back(house: House):
    reward = {"kind": "points", "account_type": "growth", "points": 600}
    await publish(house, "first", a_task(a_step(times=1), reward=reward))
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 1_000, order=order))
    assert (await house.tier(li))[0] == "gold"
    await house.learn(refunded(li, order, 1_000))

    assert (await house.tier(li))[0] == "member"
    assert await available(house, li) == 0


async def test_a_task_that_is_over_gives_nothing_but_a_refund_still_takes_back(house: House):
    await publish(house, "first", a_task(a_step(times=1)))
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(a_customer(li), paid(li, 1_000, order=order))
    await Shop(house).ask(
        "POST",
        "/v1/loyalty/tasks/first/retire",
        {},
        **{"If-Match": (await Shop(house).ask("GET", "/v1/loyalty/tasks/first")).headers["ETag"]},
    )
    house.clock.advance(timedelta(days=2))

    await house.learn(refunded(li, order, 1_000, day=101), paid(wang, 1_000, day=101))

    assert (await available(house, li), await available(house, wang)) == (0, 10)
