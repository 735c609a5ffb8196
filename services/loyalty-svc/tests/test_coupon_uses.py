"""Codes at the checkout: validated, put aside, used, given back; and never more often than they may be."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.coupon_uses import guessing
from loyalty_svc.coupon_uses.tables import RELEASE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, key

from .builders import merged, paid
from .coupon_shop import Shop, amount_off, basket, reasons
from .house import House


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


async def uses(shop: Shop, table: str = "coupon_code") -> list[int]:
    async with shop.house.db.transaction() as tx:
        return list((await tx.execute(f"SELECT uses FROM {table} ORDER BY 1")).scalars())


async def test_a_code_is_put_aside_used_and_told_of(shop: Shop):
    await shop.public_code("PARTY24", amount_off(1500))
    li = await shop.member()

    checkout = await shop.reserved(li, "party 24")
    answer = await shop.act(li, checkout, "redeem", {"order_id": "o-1"})

    (use,) = answer.json()["uses"]
    assert (use["state"], use["goods_minor"], use["order_id"]) == ("redeemed", 1500, "o-1")
    ((_, about, told),) = await shop.house.said("coupon.redeemed")
    assert (about, told["coupon"], told["goods_minor"], told["order_id"]) == (li, "party", 1500, "o-1")
    (judged,) = await shop.validate(li, "PARTY24")
    assert reasons(judged) == ["used_up"]


async def test_what_is_given_back_can_be_used_again(shop: Shop):
    await shop.public_code("BACK", amount_off(limits={"per_code": 1, "per_customer": 1, "per_pool": 1}))
    li = await shop.member()

    released = await shop.act(li, await shop.reserved(li, "back"), "roll-back")
    checkout = await shop.reserved(li, "back")
    await shop.act(li, checkout, "redeem")
    rolled_back = await shop.act(li, checkout, "roll-back")

    assert released.json()["uses"][0]["state"] == "released"
    assert rolled_back.json()["uses"][0]["state"] == "rolled_back"
    assert await uses(shop) == await uses(shop, "coupon_customer") == await uses(shop, "coupon_pool") == [0]
    await shop.reserved(li, "back")


async def test_what_staff_write_about_giving_back_stays_here_and_is_in_no_event(shop: Shop):
    li, text = await shop.member(), "Mrs Li Na, 138-0013-8000, is ill"
    checkout = await shop.reserved(li, await shop.public_code("BACK", amount_off()))
    await shop.act(li, checkout, "redeem")

    rolled_back = await shop.act(li, checkout, "roll-back", {"reason": text})

    assert [use["reason"] for use in rolled_back.json()["uses"]] == [text]
    assert [data["reason"] for _, _, data in await shop.house.said("coupon.rolled_back")] == ["staff.rolled_back"]


async def test_a_reservation_ends_at_its_instant_and_never_twice(shop: Shop):
    await shop.public_code("TIME", amount_off())
    li = await shop.member()
    checkout = await shop.reserved(li, "time", minutes=10)

    shop.house.clock.advance(timedelta(minutes=9, seconds=59))
    early = await shop.fire(RELEASE)
    shop.house.clock.advance(timedelta(seconds=1))
    late = await shop.act(li, checkout, "redeem")
    fired = [await shop.fire(RELEASE) for _ in range(2)]

    assert (early, fired) == (0, [1, 0])
    assert (late.status_code, late.json()["state"]) == (409, "timed_out")
    assert await uses(shop) == [0]
    page = (await shop.ask("GET", f"/v1/customers/{li}/loyalty/coupon-uses")).json()
    assert [use["state"] for use in page["items"]] == ["timed_out"]


@pytest.mark.parametrize("actions", [("redeem", "redeem"), ("roll-back", "redeem"), ("roll-back", "roll-back")])
async def test_what_is_over_is_over(shop: Shop, actions: tuple[str, str]):
    await shop.public_code("OVER", amount_off())
    li = await shop.member()
    checkout = await shop.reserved(li, "over")

    first, second = [await shop.act(li, checkout, action) for action in actions]

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "coupons.checkout-over")


async def test_one_code_that_does_not_fit_keeps_all_back(shop: Shop):
    together = {"stacking": {"mode": "with_others"}}
    await shop.public_code("GOOD", amount_off(**together), "good")
    late = {"combinator": "and", "rules": [{"field": "total_minor", "operator": ">=", "value": 99_000}]}
    await shop.public_code("RICH", amount_off(condition=late, **together), "rich")
    li = await shop.member()

    answer = await shop.reserve(li, "good", "rich", of=basket(50_000))

    (refused,) = answer.json()["codes"]
    assert refused["code"] == "RICH"
    assert refused["reasons"][0]["texts"] == {
        "zh-CN": "购物车不符合条件：商品金额还差 490.00 CNY",
        "en": "The basket does not fit: the goods 490.00 CNY more is needed",
    }
    assert await uses(shop) == [0, 0]


async def test_a_condition_may_ask_for_the_tier(shop: Shop):
    gold = {"combinator": "and", "rules": [{"field": "tier", "operator": "in", "value": ["gold", "black"]}]}
    await shop.public_code("GOLD", amount_off(condition=gold))
    li, wang = await shop.member(), await shop.member()
    await shop.house.learn(paid(wang, 60_000))

    (poor,), (rich,) = await shop.validate(li, "gold"), await shop.validate(wang, "gold")

    assert reasons(poor) == ["condition"]
    assert rich["usable"]


async def test_a_code_stays_on_the_version_it_was_made_with(shop: Shop):
    await shop.public_code("OLD", amount_off(1000))
    await shop.publish("party", amount_off(7000))
    li = await shop.member()

    (judged,) = await shop.validate(li, "old")

    assert judged["goods_minor"] == 1000


async def test_a_code_that_has_expired_says_so_and_one_that_was_put_aside_before_is_redeemed(shop: Shop):
    ends_at = shop.house.clock.now() + timedelta(minutes=5)
    await shop.public_code("SOON", amount_off(ends_at=ends_at.isoformat(), limits={"per_code": None}))
    li = await shop.member()
    checkout = await shop.reserved(li, "soon", minutes=30)

    shop.house.clock.advance(timedelta(minutes=5))
    (judged,) = await shop.validate(li, "soon")
    answer = await shop.act(li, checkout, "redeem")

    assert reasons(judged) == ["expired"]
    assert answer.status_code == 200


async def test_a_member_who_guesses_is_stopped_and_may_try_again_later(shop: Shop):
    await shop.public_code("REAL", amount_off(limits={"per_code": None}))
    li = await shop.member()
    shop.staff = customer(li)
    path, body = f"/v1/customers/{li}/loyalty/coupons/validate", {"codes": ["nope"], "basket": basket(100)}

    answers = [await shop.ask("POST", path, body) for _ in range(guessing.WRONG_MAX_CUSTOMER + 5)]
    right = await shop.ask("POST", path, body | {"codes": ["real"]})
    shop.house.clock.advance(timedelta(minutes=15, seconds=1))
    later = await shop.ask("POST", path, body | {"codes": ["real", "nope"]})

    assert Counter(answer.status_code for answer in answers) == {200: guessing.WRONG_MAX_CUSTOMER, 429: 5}
    assert (right.status_code, right.json()["code"]) == (429, "coupons.too-many-wrong-codes")
    assert int(right.headers["Retry-After"]) <= 15 * 60 + 1
    assert later.json()["codes"][0]["usable"]


async def test_ten_thousand_wrong_codes_from_one_system_are_limited(shop: Shop):
    await shop.public_code("REAL", amount_off())
    li = await shop.member()
    guesser, other = key("loyalty:read", "loyalty:write", id="guesser"), key("loyalty:write", id="other")

    shop.staff = guesser
    seen: Counter[int] = Counter()
    for round_ in range(1000):
        answer = await shop.reserve(li, *[f"G{round_}X{n}" for n in range(10)])
        seen[answer.status_code] += 1
        if seen[429] == 3:
            break
    shop.staff = other
    unhurt = await shop.reserve(li, "real")

    assert seen == {409: guessing.WRONG_MAX_OTHERS // 10, 429: 3}
    assert unhurt.status_code == 201


async def test_a_member_is_not_told_which_codes_others_have(shop: Shop):
    await shop.publish("party", amount_off())
    li, wang = await shop.member(), await shop.member()
    given = await shop.post(f"/v1/customers/{wang}/loyalty/coupons", {"coupon": "party"}, status=201)

    shop.staff = customer(li)
    foreign, unknown = await shop.validate(li, given["code"], "NONSENSE")

    assert foreign["reasons"] == unknown["reasons"] == [{"code": "unknown", "text": "There is no such code"}]


async def test_each_kind_of_caller_reaches_what_is_his(shop: Shop):
    await shop.public_code("WHO", amount_off(limits={"per_code": None}))
    li, wang = await shop.member(), await shop.member()
    checkout = await shop.reserved(li, "who")

    foreign = await shop.act(wang, checkout, "redeem")
    shop.staff = customer(li)
    reserve = await shop.reserve(li, "who")
    redeem = await shop.act(li, checkout, "redeem")
    own = await shop.ask("GET", f"/v1/customers/{li}/loyalty/coupon-uses")
    others = await shop.ask("GET", f"/v1/customers/{wang}/loyalty/coupon-uses")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "coupons.unknown-checkout")
    assert (reserve.status_code, redeem.status_code) == (403, 403)
    assert [use["id"] for use in own.json()["items"]] != []
    assert others.status_code == 404


async def test_a_merge_joins_uses_and_what_counts_against_limits(shop: Shop):
    await shop.public_code("ONCE", amount_off(limits={"per_code": None, "per_customer": 2}))
    li, wang = await shop.member(), await shop.member()
    first, second = await shop.reserved(li, "once"), await shop.reserved(wang, "once")

    await shop.house.learn(merged(li, wang))
    third = await shop.reserve(wang, "once")
    answers = [await shop.act(li, first, "roll-back"), await shop.act(wang, second, "redeem")]

    assert third.status_code == 409
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await uses(shop, "coupon_customer") == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"codes": []},
        {"codes": ["a"] * 11},
        {"codes": ["x" * 101]},
        {"minutes": 0},
        {"minutes": 10_081},
        {"basket": {"currency": "CNY", "lines": []}},
        {"basket": {"currency": "QQQ", "lines": [{"amount_minor": 1}]}},
        {"basket": {"currency": "CNY", "lines": [{"amount_minor": -1}]}},
        {"basket": {"currency": "CNY", "lines": [{"amount_minor": 10**12 + 1}]}},
        {"basket": {"currency": "CNY", "lines": [{"amount_minor": 10**12}, {"amount_minor": 1}]}},
        {"colour": "red"},
    ],
)
async def test_bad_input_is_422(shop: Shop, change: dict[str, Any]):
    li = await shop.member()
    body = {"codes": ["a"], "basket": basket(100), **change}

    answer = await shop.ask("POST", f"/v1/customers/{li}/loyalty/coupon-uses", body)

    assert answer.status_code == 422, answer.text


async def test_unknown_checkouts_are_404(shop: Shop):
    li = await shop.member()

    for action in ("redeem", "roll-back"):
        assert (await shop.act(li, str(uuid7()), action)).status_code == 404
