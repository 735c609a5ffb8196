"""Gifts for days that come round and for orders that add up, on PostgreSQL."""

import asyncio
from datetime import datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from moat.kit.ids import uuid7

from .builders import a_customer, at, merged, paid, refunded
from .coupon_shop import Shop, amount_off
from .house import House
from .milestone_plans import a_day, available, publish, publish_third_order
from .rulebook import share, where


async def test_a_birthday_gives_its_gift_and_says_why(house: House):
    li = uuid7()

    await house.learn(a_customer(li), a_day(li))

    assert await house.points(li) == (50, 50, 0)
    ((_, about, told),) = await house.said("milestone.reached")
    assert about == li
    assert told | {"posting_id": None} == {
        "milestone": "birthday-gift",
        "rule": "birthday-gift@1",
        "kind": "birthday",
        "period": "2026",
        "account_type": "points",
        "points": 50,
        "posting_id": None,
        "coupon": None,
    }
    assert [name for name, *_ in await house.said()] == ["member.enrolled", "points.earned", "milestone.reached"]
    assert (await house.audit()).violations == []


async def test_a_birthday_gives_once_a_year_however_often_it_is_announced(house: House):
    li = uuid7()

    await house.learn(a_day(li), a_day(li))
    await house.learn(a_day(li, day=11))
    await house.learn(a_day(li, day=375, year=2027))

    assert await house.points(li) == (100, 100, 0)


async def test_what_is_told_a_week_ahead_gives_nothing_by_plans_for_the_day(house: House):
    li = uuid7()

    await house.learn(a_day(li, ahead=7))

    assert await house.points(li) == (0, 0, 0)


async def test_what_an_outage_announced_too_late_gives_nothing(house: House):
    li, wang = uuid7(), uuid7()

    await house.learn(a_day(li, late=3), a_day(wang, late=40))

    assert (await available(house, li), await available(house, wang)) == (50, 0)


async def test_gifts_are_no_growth_and_move_no_tier(house: House):
    li = uuid7()

    await house.learn(a_day(li), a_day(li, "anniversary", years=3))

    assert await available(house, li) == 100
    assert await house.tier(li) == ("member", None)


async def test_a_plan_may_ask_for_the_tier_and_the_years(house: House):
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    condition = {
        "combinator": "and",
        "rules": [
            {"field": "tier", "operator": "in", "value": ["silver", "gold"]},
            {"field": "years", "operator": ">=", "value": 3},
        ],
    }
    trigger = {"kind": "occasion", "occasion": "anniversary"}
    await publish(house, "loyal-years", trigger=trigger, condition=condition)
    await house.learn(paid(li, 30_000), paid(wang, 30_000), paid(zhao, 1_000))

    days = [a_day(who, "anniversary", years=years) for who, years in ((li, 3), (wang, 2), (zhao, 5))]
    await house.learn(*days)

    assert await available(house, li) == 300 + 50 + 100
    assert await available(house, wang) == 300 + 50
    assert await available(house, zhao) == 10 + 50


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_the_third_order_gives_once_in_any_order_of_arrival(house: House, one_by_one: bool):
    await publish_third_order(house)

    for places in permutations(range(4)):
        li = uuid7()
        facts = [paid(li, 1_000, day=day) for day in (1, 2, 3, 4)]
        arrival = [facts[place] for place in places]
        await (house.learn_one_by_one(*arrival) if one_by_one else house.learn(*arrival))
        await house.learn(*facts)

        assert await available(house, li) == 140

    assert len(await house.said("milestone.reached")) == 24
    assert (await house.audit()).violations == []


async def test_a_refund_takes_the_gift_back_and_another_order_earns_it_again(house: House):
    await publish_third_order(house)
    li, order = uuid7(), uuid7()
    await house.learn(paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(li, 1_000, order=order, day=3))
    assert await available(house, li) == 130

    await house.learn(refunded(li, order, 1_000, day=4))
    assert await available(house, li) == 20

    await house.learn(paid(li, 1_000, day=5))
    assert await available(house, li) == 130
    assert (await house.audit()).violations == []


async def test_payments_and_refunds_in_any_order_end_in_the_same(house: House):
    await publish_third_order(house)
    ends = set()

    for places in permutations(range(5)):
        li, order = uuid7(), uuid7()
        facts = [
            paid(li, 1_000, day=1),
            paid(li, 1_000, day=2, order=order),
            refunded(li, order, 1_000, day=3),
            paid(li, 1_000, day=4),
            paid(li, 1_000, day=5),
        ]
        await house.learn_one_by_one(*(facts[place] for place in places))
        ends.add(await available(house, li))

    assert ends == {130}
    assert (await house.audit()).violations == []


async def test_an_amount_is_reached_over_several_orders(house: House):
    trigger = {"kind": "amount_reached", "amount_minor": 50_000, "currency": "CNY"}
    await publish(house, "five-hundred", trigger=trigger, once="ever")
    li = uuid7()

    await house.learn(paid(li, 30_000, day=1), paid(li, 30_000, day=2, currency="USD"))
    assert len(await house.said("milestone.reached")) == 0
    await house.learn(paid(li, 20_000, day=3))

    ((_, _, told),) = await house.said("milestone.reached")
    assert (told["kind"], told["period"]) == ("amount_reached", "ever")


async def test_two_who_turn_out_to_be_one_have_the_orders_of_both_and_each_gift_once(house: House):
    await publish_third_order(house)
    li, wang = uuid7(), uuid7()
    await house.learn(paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(wang, 1_000, day=3), a_day(li), a_day(wang))

    await house.learn(merged(li, wang))
    assert await available(house, wang) == 30 + 2 * 50 + 100

    await house.learn(a_day(li, day=60), paid(wang, 1_000, day=61))
    assert await available(house, wang) == 40 + 2 * 50 + 100
    assert (await house.audit()).violations == []


async def test_two_replicas_give_one_gift(house: House):
    li = uuid7()
    await house.learn(paid(li, 1_000))

    await asyncio.gather(*(house.learn(a_day(li, day=10 + n / 24)) for n in range(8)))

    assert await available(house, li) == 60


async def test_a_gift_may_be_a_coupon_that_a_refund_takes_away(house: House):
    shop = Shop(house)
    await shop.publish("thanks", amount_off(500), valid_from=at(0).isoformat(), confirm=["documents.backdated"])
    await publish_third_order(house, gift={"kind": "coupon", "coupon": "thanks"})
    li, order = uuid7(), uuid7()
    await house.learn(
        a_customer(li), paid(li, 1_000, day=1), paid(li, 1_000, day=2), paid(li, 1_000, order=order, day=3)
    )

    ((_, about, told),) = await house.said("milestone.reached")
    (code,) = await house.said("coupon.issued")
    assert (about, told["coupon"], told["points"], code[2]["coupon"]) == (li, "thanks", None, "thanks")
    assert await available(house, li) == 30

    await house.learn(refunded(li, order, 1_000, day=4))
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT withdrawn_at IS NOT NULL FROM coupon_code WHERE customer_id = :id", id=li)

    await house.learn(paid(li, 1_000, day=5))
    assert len(await house.said("coupon.issued")) == 2


async def test_orders_are_counted_in_the_years_of_the_programmes_zone(house: House):
    await share(house, zone="America/New_York")
    await publish(house, "second-order", trigger={"kind": "nth_order", "n": 2}, once="year")
    new_york, li = ZoneInfo("America/New_York"), uuid7()
    instants = [datetime(2026, 12, 30, 12, tzinfo=new_york), datetime(2026, 12, 31, 22, tzinfo=new_york)]

    await house.learn(*(paid(li, 1_000, day=(one - at(0)) / timedelta(days=1)) for one in instants))

    assert [told["period"] for _, _, told in await house.said("milestone.reached")] == ["2026"]


async def test_what_orders_reached_and_the_condition_refused_is_asked_again_with_the_next_order(house: House):
    await publish_third_order(house, condition=where("tier", "!=", "member"))
    li = uuid7()
    await house.learn_one_by_one(*(paid(li, 1_000, day=day) for day in (1, 2, 3, 4)))
    assert await available(house, li) == 40

    await house.learn(paid(li, 30_000, day=5))

    assert await available(house, li) == 340 + 100
