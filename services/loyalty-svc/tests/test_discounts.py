"""How much a customer depends on discounts: what counts, where conditions ask for it, and its trend by tier."""

from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.coupons.basket import BASKET
from loyalty_svc.discounts import queries, usecases
from loyalty_svc.discounts.share import Share, asks
from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for
from moat.rules import parse

from .builders import at, merged, paid, refunded
from .coupon_shop import Shop, amount_off, reasons
from .house import House
from .reward_shop import RewardShop, a_reward
from .rulebook import a_rule, fixed, put_in_force, where
from .till import Till

SELDOM = where("discount_share", "<=", 50)
OFTEN = where("discount_share", ">", 50)


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


async def a_code(shop: Shop) -> str:
    """A public code that anybody may use any number of times."""
    return await shop.public_code("HELLO", amount_off(100, limits={"per_code": None}))


async def use(shop: Shop, who: UUID, code: str, order: UUID) -> str:
    """Use a code for an order; returns the checkout."""
    checkout = await shop.reserved(who, code)
    answer = await shop.act(who, checkout, "redeem", {"order_id": f"o-{order}"})
    assert answer.status_code == 200, answer.text
    return checkout


async def buy(shop: Shop, who: UUID, *, day: float = 90, code: str | None = None, amount: int = 10_000) -> UUID:
    order = uuid7()
    if code is not None:
        await use(shop, who, code, order)
    await shop.house.learn(paid(who, amount, order=order, day=day))
    return order


async def share_of(house: House, who: UUID, *, day: float = 100) -> int | None:
    async with house.db.transaction() as tx:
        return await usecases.share(tx, who, at(day))


async def trend(house: House, **query: str) -> list[dict[str, Any]]:
    async with client_for(SERVICE, house.db, house.clock) as http:
        headers = staff("loyalty:read", at=house.clock.now())
        answer = await http.get("/v1/loyalty/liability", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["discounts"])


def test_a_share_is_whole_percents_rounded_down():
    assert [Share(3, used).percent for used in range(4)] == [0, 33, 66, 100]


def test_a_condition_asks_for_it_at_whatever_depth():
    nested = {"combinator": "or", "rules": [where("tier", "=", "gold"), {"combinator": "and", "rules": [SELDOM]}]}

    assert asks(parse(nested, BASKET))
    assert not asks(parse(where("tier", "=", "gold"), BASKET))


async def test_it_is_the_orders_with_a_coupon_of_all_orders_of_the_year_before(shop: Shop):
    code, li, wang = await a_code(shop), await shop.member(), await shop.member()
    for day, coupon in ((-266, code), (-264, None), (1, code), (50, code), (99, None), (100, code)):
        await buy(shop, li, day=day, code=coupon)

    # Neither the one that is more than a year old, nor the one of that very instant.
    assert await share_of(shop.house, li) == 50
    assert await share_of(shop.house, li, day=100.1) == 60
    assert await share_of(shop.house, wang) is None


async def test_what_was_returned_or_rolled_back_does_not_count(shop: Shop):
    code, li = await a_code(shop), await shop.member()
    kept, returned = await buy(shop, li, code=code), await buy(shop, li, code=code)
    rolled_back, partly = await buy(shop, li), await buy(shop, li)
    checkout = await use(shop, li, code, rolled_back)
    before = await share_of(shop.house, li)

    await shop.act(li, checkout, "roll-back")
    await shop.house.learn(
        refunded(li, returned, 10_000, day=95),
        refunded(li, partly, 4_000, day=95),
        refunded(li, kept, 10_000, currency="USD", day=95),
    )

    assert (before, await share_of(shop.house, li)) == (75, 33)


async def test_codes_that_are_only_put_aside_and_orders_that_earn_nothing_do_not_count(shop: Shop):
    code, li = await a_code(shop), await shop.member()
    order = await buy(shop, li)
    await shop.reserved(li, code, order_id=f"o-{order}")
    await buy(shop, li, code=code, amount=10)

    assert await share_of(shop.house, li) == 0


async def test_a_checkout_that_was_confirmed_counts_for_its_order(house: House):
    till = Till(house)
    code, li, order = await a_code(till.shop), await till.member(), uuid7()
    checkout = await till.reserved(li, code)
    await till.act(checkout, "confirm", order_id=f"o-{order}")

    await house.learn(paid(li, 9_900, order=order, day=90))

    assert await share_of(house, li) == 100


async def test_two_customers_who_were_one_have_one_share(shop: Shop):
    code, li, double = await a_code(shop), await shop.member(), await shop.member()
    await buy(shop, li)
    await buy(shop, double, code=code)

    await shop.house.learn(merged(double, li, day=95))

    assert await share_of(shop.house, li) == 50


async def test_an_earning_rule_can_thank_those_who_seldom_need_a_coupon(shop: Shop):
    code, thrifty, loyal, new = await a_code(shop), *[await shop.member() for _ in range(3)]
    await put_in_force(shop.house, "full-price", a_rule(fixed(7), condition=SELDOM))
    for who, coupon in ((thrifty, code), (loyal, None)):
        await buy(shop, who, day=80, code=coupon)

    for who in (thrifty, loyal, new):
        await buy(shop, who, day=90)

    points = [(await shop.house.points(who))[0] for who in (thrifty, loyal, new)]
    assert points == [200, 207, 100]


async def test_nothing_is_looked_up_where_no_condition_asks(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    async def look_up(*_: Any, **__: Any) -> None:
        pytest.fail("nobody asked")

    monkeypatch.setattr(queries, "shares", look_up)
    rewards = RewardShop(shop)
    await rewards.publish("mug", a_reward(10, condition=where("tier", "=", "member")))
    code, li = await a_code(shop), await shop.member()

    await buy(shop, li, code=code)
    await Till(shop.house).quote(li, code)

    assert (await rewards.redeem(li, "mug")).status_code == 201


async def test_a_coupon_can_be_for_those_who_seldom_use_one_and_says_why_not(shop: Shop):
    code, li, wang = await a_code(shop), await shop.member(), await shop.member()
    await shop.public_code("SELDOM", amount_off(500, condition=SELDOM), coupon="seldom")
    await buy(shop, li, code=code)
    await buy(shop, wang)

    refused, allowed = (await shop.validate(li, "SELDOM"))[0], (await shop.validate(wang, "SELDOM"))[0]
    reserved = await shop.reserve(li, "SELDOM")

    assert (reasons(refused), reasons(allowed)) == (["condition"], [])
    assert "the percent of orders with a coupon must be at most 50" in refused["reasons"][0]["text"]
    assert reserved.status_code == 409
    assert "用券订单占比" in reserved.json()["codes"][0]["reasons"][0]["texts"]["zh-CN"]


async def test_a_checkout_judges_by_it_too(shop: Shop):
    code, li = await a_code(shop), await shop.member()
    await put_in_force(shop.house, "again", a_rule(fixed(5), condition=OFTEN))
    await buy(shop, li, code=code)

    quote = await Till(shop.house).quote(li)

    assert [one["points"] for one in quote["earns"]["awards"] if one["rule"].startswith("again")] == [5]


async def test_a_reward_can_be_for_those_who_seldom_use_a_coupon(shop: Shop):
    rewards = RewardShop(shop)
    await rewards.publish("mug", a_reward(10, condition=SELDOM))
    code, li, wang = await a_code(shop), await shop.member(), await shop.member()
    await buy(shop, li, code=code)
    await buy(shop, wang)

    refused, had = await rewards.redeem(li, "mug"), await rewards.redeem(wang, "mug")

    assert (refused.status_code, had.status_code) == (409, 201)
    texts = refused.json()["reasons"][0]["texts"]
    assert texts["en"] == "It is not for everybody: the percent of orders with a coupon must be at most 50"


async def test_the_liability_report_shows_the_trend_by_tier_and_month(shop: Shop):
    code, li, gold = await a_code(shop), await shop.member(), await shop.member()
    await buy(shop, gold, day=30, amount=2_000_000)
    await buy(shop, gold, day=31, code=code)
    await buy(shop, gold, day=32)
    await buy(shop, li, day=62, code=code, amount=2_000)
    gone = await buy(shop, li, day=62, code=code, amount=2_000)
    await buy(shop, li, day=-200, code=code, amount=2_000)
    await shop.house.learn(refunded(li, gone, 2_000, day=63))

    told = await trend(shop.house, **{"from": f"{at(0):%Y-%m-%d}", "to": f"{at(99):%Y-%m-%d}"})
    none = await trend(shop.house, **{"from": f"{at(70):%Y-%m-%d}", "to": f"{at(99):%Y-%m-%d}"})

    by_tier: dict[str, list[int]] = {}
    for one in told:
        counts = by_tier.setdefault(one["tier"], [0, 0])
        counts[0] += one["orders"]
        counts[1] += one["with_coupon"]
        assert one["share_percent"] == one["with_coupon"] * 100 // one["orders"]
    assert by_tier == {(await shop.house.tier(gold))[0]: [3, 1], "member": [1, 1]}
    assert ("member", f"{at(62):%Y-%m}") in {(one["tier"], one["month"]) for one in told}
    assert none == []
