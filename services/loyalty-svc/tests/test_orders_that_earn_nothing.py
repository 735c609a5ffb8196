"""What no rule rewards, or a limit stops, is an order for milestones and referrals all the same; on PostgreSQL."""

from typing import Any

import pytest

from moat.kit.ids import uuid7

from .builders import a_customer, again, merged, paid, parted, refunded
from .club_rooms import Rooms, a_club, by_value
from .house import House
from .milestone_plans import publish, publish_third_order
from .referral_club import START, available, bring, call, clerk, days_pass, rejections, some_customers
from .rulebook import PER_UNIT, a_rule, at_most, put_in_force

ONE_A_DAY = {"number": 1, "per": "day", "what": "awards"}
THOUSAND = {"kind": "points", "points": 1_000}


async def limit(house: House, **limit: Any) -> None:
    rule = a_rule(PER_UNIT, limits=[at_most(**limit)], group="base", priority=1)
    await put_in_force(house, "order-points", rule)


async def approve_all(house: House) -> None:
    held = (await call(house, "GET", "/v1/loyalty/awards?status=held", clerk(house))).json()["items"]
    for award in held:
        path = f"/v1/loyalty/awards/{award['id']}/approve"
        answer = await call(house, "POST", path, clerk(house), json={"reason": "a wedding"})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("way", ["refuse", "hold"])
async def test_a_friends_order_that_a_limit_stops_converts_and_rewards(house: House, way: str):
    await limit(house, number=10, per="day", what="points", way=way)
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    order = paid(wang, 10_000, day=START + 0.1)

    await house.learn(order)
    await days_pass(house, 16)

    ((_, _, converted),) = await house.said("referral.converted")
    assert (converted["order_uid"], converted["order_id"]) == (str(order.data.order_uid), order.data.order_id)
    assert (await available(house, li), await available(house, wang)) == (100, 50)
    answer = await call(house, "GET", f"/v1/customers/{li}/loyalty/postings", clerk(house))
    assert [one["cause"]["event_id"] for one in answer.json()["items"]] == [order.id]


async def test_a_held_order_that_is_approved_changes_nothing_about_the_referral(house: House):
    await limit(house, number=10, per="day", what="points", way="hold")
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    order = paid(wang, 10_000, day=START + 0.1)
    await house.learn(order)

    await approve_all(house)
    await days_pass(house, 16)
    rewarded = (await available(house, li), await available(house, wang))
    await house.learn(refunded(wang, order.data.order_uid, 10_000, day=START + 10))

    assert rewarded == (100, 150)
    assert (await available(house, li), await available(house, wang)) == (0, 0)
    assert len(await house.said("referral.converted")) == 1


async def test_a_held_order_that_came_back_before_it_was_approved_is_an_order_still(house: House):
    await limit(house, number=10, per="day", what="points", way="hold")
    li, wang = await some_customers(house)
    order = paid(wang, 10_000, day=START - 1)
    await house.learn(order, refunded(wang, order.data.order_uid, 10_000, day=START - 0.5))

    await approve_all(house)

    assert (await bring(house, li, wang))["reason"] == "known_before"


async def test_the_second_order_counts_while_its_points_are_held_and_when_they_are_approved(house: House):
    await limit(house, **ONE_A_DAY, way="hold")
    await publish(house, "second", trigger={"kind": "nth_order", "n": 2}, once="ever", gift=THOUSAND)
    li = uuid7()

    await house.learn_one_by_one(a_customer(li), paid(li, 10_000, day=1), paid(li, 10_000, day=1.01))
    assert await available(house, li) == 1_100

    await approve_all(house)
    await house.learn(paid(li, 10_000, day=2))
    assert await available(house, li) == 1_300


async def test_the_third_order_is_the_third_that_was_paid_whatever_the_second_earned(house: House):
    await limit(house, number=100, per="day", what="points", way="cap")
    await publish_third_order(house, gift=THOUSAND)
    li = uuid7()

    await house.learn_one_by_one(paid(li, 10_000, day=1), paid(li, 10_000, day=1.01), paid(li, 10_000, day=2))

    assert await available(house, li) == 1_200


async def test_an_amount_is_reached_in_a_currency_without_a_rate_and_refunds_undo_it(house: House):
    trigger = {"kind": "amount_reached", "amount_minor": 1_000, "currency": "EUR"}
    await publish(house, "a-thousand", trigger=trigger, once="ever", gift=THOUSAND)
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 5_000, order=order, currency="EUR"))
    assert await available(house, li) == 1_000

    await house.learn(refunded(li, order, 4_500, currency="EUR"))
    assert await available(house, li) == 0
    assert (await house.audit()).violations == []


async def test_who_bought_something_that_earned_nothing_is_no_new_friend(house: House):
    li, wang, zhao = await some_customers(house, 3)
    await house.learn(paid(wang, 10_000, currency="EUR", day=START - 1))
    await bring(house, li, zhao)

    await house.learn(paid(zhao, 10_000, currency="EUR", day=START - 2))

    assert (await bring(house, li, wang))["reason"] == "known_before"
    assert await rejections(house) == [("known_before", "claimed"), ("known_before", "refused")]


@pytest.mark.parametrize("part", [False, True])
async def test_orders_that_earned_nothing_go_with_merges_and_splits(house: House, part: bool):
    await publish_third_order(house, gift=THOUSAND)
    li, wang = uuid7(), uuid7()
    his, merge = paid(wang, 10_000, currency="EUR", day=2), merged(wang, li)
    await house.learn_one_by_one(a_customer(li), a_customer(wang), paid(li, 10_000, currency="EUR"), his, again(merge))
    if part:
        await house.learn(parted(merge, his.data.order_uid))

    await house.learn(paid(li, 10_000, currency="EUR", day=70))
    assert await available(house, li) == (0 if part else 1_000)

    await house.learn(*(paid(wang, 10_000, currency="EUR", day=71 + n) for n in range(2)))
    assert await available(house, wang) == (1_000 if part else 0)


async def test_what_was_spent_without_points_counts_for_a_club(house: House):
    await limit(house, number=10, per="day", what="points", way="refuse")
    rooms = Rooms(house)
    await rooms.publish(a_club(**by_value(10_000)))
    li = await rooms.customer()

    await house.learn(paid(li, 10_000, day=99))

    assert (await rooms.stands(li))[0] == "active"
