"""Honours: given by hand and by rule, taken back, and whose they are when customers turn out to be one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_svc.honours import usecases
from moat.kit.ids import uuid7

from .builders import merged, paid, refunded
from .coupon_shop import amount_off
from .hall_of_honour import Counting, Hall, an_honour, where
from .house import House
from .rulebook import share
from .task_plans import REGULAR, a_task, an_activity, did
from .task_plans import publish as publish_task

TWO_ORDERS = where("orders_count", ">=", 2)


@pytest.fixture
def hall(house: House) -> Hall:
    return Hall(house)


async def test_staff_honour_a_customer_and_take_it_back_and_both_stays_known(hall: Hall):
    li = await hall.member()

    holding = await hall.given(li)
    assert (await hall.withdraw(li, holding)).status_code == 200

    (one,) = await hall.of(li)
    assert (one["honour"], one["name"], one["by_rule"], one["stands"]) == (
        "star-customer",
        "Star customer",
        False,
        False,
    )
    assert (one["reason"], one["given_by"]) == ("ten years with us", "staff:staff-1")
    assert (one["end_reason"], one["ended_by"]) == ("a mistake", "staff:staff-1")
    told = await hall.house.said("honour.given", "honour.withdrawn")
    assert [(kind, about, data["honour"]) for kind, about, data in told] == [
        ("honour.given", li, "star-customer"),
        ("honour.withdrawn", li, "star-customer"),
    ]
    assert told[0][2]["by_rule"] is False


async def test_months_are_counted_where_the_programme_lives(hall: Hall):
    await share(hall.house, zone="America/New_York")
    await hall.publish("monthly", an_honour(months=1))
    li = await hall.member()
    # The last day of the month in New York, the first of the next one in Shanghai.
    hall.house.clock.set(datetime(2027, 2, 28, 16, 30, tzinfo=UTC))

    await hall.given(li, "monthly")

    (one,) = await hall.of(li)
    assert datetime.fromisoformat(one["valid_until"]) == datetime(2027, 3, 28, 15, 30, tzinfo=UTC)


async def test_an_honour_is_held_once_at_a_time(hall: Hall):
    li = await hall.member()
    holding = await hall.given(li)

    again = await hall.give(li)
    other = await hall.give(li, "advocate")
    await hall.withdraw(li, holding)
    anew = await hall.give(li)
    twice = await hall.withdraw(li, holding)

    assert [one.status_code for one in (again, other, anew, twice)] == [409, 201, 201, 409]
    assert (again.json()["code"], again.json()["holding_id"]) == ("honours.held", holding)
    assert twice.json()["code"] == "honours.over"
    assert await hall.held(li) == ["advocate", "star-customer"]


async def test_a_rule_honours_at_the_event_that_makes_it_true_and_once(hall: Hall):
    li, wang = await hall.member(), await hall.member()
    await hall.publish("kindred", an_honour(TWO_ORDERS))

    await hall.house.learn(paid(li, 5_000), paid(wang, 5_000))
    assert await hall.held(li) == []
    second = paid(li, 7_000, day=3)
    await hall.house.learn(second)
    await hall.house.learn(second, paid(li, 7_000, day=4))

    (one,) = await hall.of(li)
    assert (one["honour"], one["by_rule"], one["reason"], one["told"]) == (
        "kindred",
        True,
        None,
        "Thank you for knowing us.",
    )
    assert await hall.held(wang) == []
    ((_, about, data),) = await hall.house.said("honour.given")
    assert (about, data["rule"], data["by_rule"]) == (li, "kindred@1", True)


async def test_orders_in_any_order_of_arrival_and_refunds_before_them_count_the_same(hall: Hall):
    li = await hall.member()
    await hall.publish("kindred", an_honour(where("spent_minor", ">=", 10_000)))
    order, other = uuid7(), uuid7()

    await hall.house.learn_one_by_one(
        refunded(li, order, 4_000), paid(li, 10_000, order=order), paid(li, 3_900, order=other)
    )
    assert await hall.held(li) == []
    await hall.house.learn(paid(li, 100, day=4))

    assert await hall.held(li) == ["kindred"]


async def test_a_rule_does_not_give_again_what_staff_took_back_until_they_allow_it(hall: Hall):
    li = await hall.member()
    await hall.publish("kindred", an_honour(TWO_ORDERS))
    await hall.house.learn(paid(li, 5_000), paid(li, 5_000))
    (one,) = await hall.of(li)

    await hall.withdraw(li, one["id"])
    await hall.house.learn(paid(li, 5_000, day=5))
    assert await hall.held(li) == []
    (over,) = await hall.of(li)
    assert (over["rule_may_give"], over["allowed_actions"]) == (False, ["allow"])
    allowed, again = await hall.act(li, one["id"], "allow"), await hall.act(li, one["id"], "allow")
    await hall.house.learn(paid(li, 5_000, day=6))

    assert (allowed.status_code, again.status_code, again.json()["code"]) == (200, 409, "honours.not-barred")
    assert await hall.held(li) == ["kindred"]
    assert len(await hall.of(li)) == 2


async def test_what_may_return_is_given_by_the_rule_again(hall: Hall):
    li = await hall.member()
    await hall.publish("kindred", an_honour(TWO_ORDERS))
    await hall.house.learn(paid(li, 5_000), paid(li, 5_000))
    (one,) = await hall.of(li)

    await hall.withdraw(li, one["id"], may_return=True)
    await hall.house.learn(paid(li, 5_000, day=5))

    assert await hall.held(li) == ["kindred"]


async def test_tasks_badges_tiers_growth_and_time_may_be_asked_for(hall: Hall):
    li, wang = await hall.member(), await hall.member()
    await publish_task(hall.house, "reviewer", a_task(an_activity("review", "review_written", times=1), badge=REGULAR))
    rules = {
        "badge": where("badges", "contains", "regular"),
        "task": where("tasks_completed", ">=", 1),
        "tier": where("tier", "in", ["member", "silver"]),
        "growth": where("growth", ">=", 100),
        "points": where("points", ">=", 200),
        "old-friend": where("days_a_member", ">=", 90),
    }
    for code, condition in rules.items():
        await hall.publish(code, an_honour(condition))

    await hall.house.learn(did(li, "review_written", day=5), paid(li, 10_000, day=5), paid(wang, 100, day=50))

    assert await hall.held(li) == ["badge", "growth", "old-friend", "points", "task", "tier"]
    assert await hall.held(wang) == ["tier"]


async def test_how_much_he_depends_on_discounts_may_be_asked_for(hall: Hall):
    li, wang = await hall.member(), await hall.member()
    code = await hall.shop.public_code("HELLO", amount_off(100, limits={"per_code": None}))
    await hall.publish("full-price", an_honour(where("discount_share", "<=", 50)))
    order = paid(wang, 10_000, day=90)
    checkout = await hall.shop.reserved(wang, code)
    await hall.shop.act(wang, checkout, "redeem", {"order_id": order.data.order_id})

    await hall.house.learn(paid(li, 10_000, day=90), order)

    assert (await hall.held(li), await hall.held(wang)) == (["full-price"], [])


async def test_the_survivor_of_a_merge_holds_what_either_held_once(hall: Hall):
    li, twin = await hall.member(), await hall.member()
    await hall.given(li, "star-customer", valid_until=(hall.house.clock.now() + timedelta(days=30)).isoformat())
    await hall.given(twin, "star-customer")
    await hall.given(twin, "advocate")

    await hall.house.learn(merged(twin, li, day=100))

    assert await hall.held(li) == ["advocate", "star-customer"]
    (star,) = [one for one in await hall.of(li) if one["honour"] == "star-customer" and one["stands"]]
    assert star["valid_until"] is None
    assert [one["end_reason"] for one in await hall.of(li) if not one["stands"]] == ["customer.merged"]


async def test_two_who_become_one_deserve_together_what_neither_did(hall: Hall):
    li, twin = await hall.member(), await hall.member()
    await hall.publish("kindred", an_honour(TWO_ORDERS))
    await hall.house.learn(paid(li, 5_000), paid(twin, 5_000))

    await hall.house.learn(merged(twin, li))

    assert await hall.held(li) == ["kindred"]


async def test_what_was_taken_back_from_either_the_rule_does_not_give_the_survivor(hall: Hall):
    li, twin = await hall.member(), await hall.member()
    await hall.publish("kindred", an_honour(where("orders_count", ">=", 1)))
    await hall.house.learn(paid(twin, 5_000))
    await hall.withdraw(twin, (await hall.of(twin))[0]["id"])

    await hall.house.learn(merged(twin, li))
    await hall.house.learn(paid(li, 5_000, day=60))

    assert await hall.held(li) == []


async def test_two_consumers_at_once_honour_once(hall: Hall):
    members = [await hall.member() for _ in range(20)]
    await hall.house.learn(*(paid(who, 5_000) for who in members))
    await hall.publish("kindred", an_honour(TWO_ORDERS))

    batches = [[paid(who, 5_000, day=day) for who in members] for day in (3, 4, 5)]
    await asyncio.gather(*(hall.house.learn(*batch) for batch in batches), hall.look())

    assert len(await hall.house.said("honour.given")) == 20
    assert [await hall.held(who) for who in members] == [["kindred"]] * 20


async def test_taking_back_and_judging_at_once_never_ends_with_the_rule_giving_it_again(hall: Hall):
    members = [await hall.member() for _ in range(8)]
    await hall.publish("kindred", an_honour(where("orders_count", ">=", 1)))
    await hall.house.learn(*(paid(who, 5_000) for who in members))
    holdings = [(await hall.of(who))[0]["id"] for who in members]

    await asyncio.gather(
        *(hall.withdraw(who, holding) for who, holding in zip(members, holdings, strict=True)),
        *(hall.house.learn(*(paid(who, 5_000, day=day) for who in members)) for day in (3, 4)),
    )

    assert [await hall.held(who) for who in members] == [[]] * 8


async def test_a_batch_costs_one_statement_where_nobody_has_a_rule(hall: Hall):
    facts = [paid(uuid7(), 1_000) for _ in range(50)]
    async with hall.house.db.transaction() as tx:
        asks = Counting(tx)
        await usecases.follow_facts(asks, facts, now=hall.house.clock.now())

    assert asks.number <= 2  # The documents' versions, and once in a process what they say.


@pytest.mark.parametrize("orders", [1, 100])
async def test_what_a_rule_costs_does_not_grow_with_the_batch(hall: Hall, orders: int):
    await hall.publish("kindred", an_honour(where("orders_count", ">=", 1)))
    facts = [paid(uuid7(), 1_000) for _ in range(orders)]
    await hall.house.learn(*facts)
    async with hall.house.db.transaction() as tx:
        asks = Counting(tx)
        await usecases.follow_facts(asks, facts, now=hall.house.clock.now())

    # The documents, what is known of the members, and who holds it already.
    assert asks.number == 3
