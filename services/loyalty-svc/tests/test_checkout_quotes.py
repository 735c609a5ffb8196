"""What a basket comes to, told in one call: nothing is put aside, and what is foretold comes true."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.checkout.payment import Payment, Reason
from loyalty_svc.checkout.quoting import WALLET_MAX
from loyalty_svc.features import SERVICE
from moat.kit.testing import an_event
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import at, paid
from .coupon_shop import amount_off, basket, reasons
from .house import House
from .rulebook import a_rule, at_most, fixed, put_in_force, share
from .tier_club import Club, a_plan
from .till import QUOTE, Till

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def till(house: House) -> Till:
    return Till(house)


HALF = Payment("points-in-cny@1", "points-in-cny", "points", "CNY", 100, 100, 200, 50)


@pytest.mark.parametrize(
    ("available", "goods", "usable", "reason"),
    [
        (1_000, 10_000, 1_000, None),
        (1_099, 10_000, 1_000, None),
        (9_000, 10_000, 5_000, None),
        (9_000, 10_199, 5_000, None),
        (199, 10_000, 0, Reason.TOO_FEW),
        (-40, 10_000, 0, Reason.TOO_FEW),
        (9_000, 399, 0, Reason.BASKET_TOO_SMALL),
        (9_000, 400, 200, None),
    ],
)
def test_points_pay_in_whole_steps_and_never_more_than_their_share(
    available: int, goods: int, usable: int, reason: Reason | None
):
    points, refusal = HALF.usable(available, goods)

    assert (points, refusal and refusal.reason) == (usable, reason)
    assert HALF.worth_minor(points) * 2 <= goods


def test_what_is_usable_is_never_refused():
    for goods in range(0, 2_000, 37):
        for available in range(0, 1_500, 61):
            points, _ = HALF.usable(available, goods)
            assert points == 0 or HALF.refuses(points, goods) is None


async def test_one_call_tells_what_a_basket_comes_to(till: Till):
    await till.shop.public_code("TEN", amount_off(1_000))
    li = await till.member(points=2_050)

    quote = await till.quote(li, "ten", "nope", of=basket(10_000, shipping=800), points=2_000)

    assert quote["goods_minor"] == 10_000
    assert quote["coupons"]["goods_minor"] == 1_000
    assert [(one["code"], one["usable"], reasons(one)) for one in quote["coupons"]["chosen"]] == [
        ("TEN", True, []),
        ("NOPE", False, ["unknown"]),
    ]
    points = quote["points"]
    assert (points["available"], points["usable"], points["usable_minor"]) == (2_050, 2_000, 2_000)
    assert (points["used"], points["used_minor"], points["reason"]) == (2_000, 2_000, None)
    assert quote["to_pay_minor"] == 10_000 + 800 - 1_000 - 2_000
    assert quote["earns"]["points"] == {"points": 78, "growth": 78}
    missing = quote["tier"]["next"]["missing"]
    assert quote["after_order"]["missing_after"] == missing - 78
    assert str(missing - 78) in quote["after_order"]["text"]


async def test_the_members_own_codes_are_judged_each_alone_with_the_reason_why_not(till: Till):
    li = await till.member()
    for code, document in (("small", amount_off(500)), ("yen", {**amount_off(), "benefit": _yen()})):
        await till.shop.publish(code, document)
        await till.shop.post(f"/v1/customers/{li}/loyalty/coupons", {"coupon": code}, status=201)

    wallet = (await till.quote(li))["coupons"]["wallet"]

    assert {one["coupon"]: (one["usable"], reasons(one)) for one in wallet} == {
        "small": (True, []),
        "yen": (False, ["currency"]),
    }
    assert all(reason["text"] for one in wallet for reason in one["reasons"])


async def test_codes_that_are_not_looked_at_are_counted(till: Till):
    li = await till.member()
    await till.shop.publish("small", amount_off(500))
    path = f"/v1/customers/{li}/loyalty/coupons"
    for _ in range(WALLET_MAX + 2):
        given = await till.shop.post(path, {"coupon": "small"}, status=201)

    coupons = (await till.quote(li, given["code"]))["coupons"]

    assert (len(coupons["wallet"]), coupons["wallet_left_out"]) == (WALLET_MAX, 1)
    assert given["code"] not in [one["code"] for one in coupons["wallet"]]


def _yen() -> dict[str, Any]:
    return {"kind": "amount_off", "currency": "JPY", "amount_minor": 100}


async def test_what_a_quote_foretells_is_what_the_paid_order_earns(till: Till):
    await share(till.house, limits=[at_most(60)])
    await put_in_force(till.house, "more", {**_a_rule(), "limits": [at_most(30)]})
    li = await till.member()

    for _ in range(3):
        quote = await till.quote(li, of=basket(2_500))
        before = (await till.house.points(li))[0]
        await till.house.learn(_paid_now(till, li, quote["to_pay_minor"]))
        earned = (await till.house.points(li))[0] - before
        assert quote["earns"]["points"].get("points", 0) == earned

    last = await till.quote(li, of=basket(2_500))
    assert last["earns"]["points"] == {}
    assert all(award["cut_by"] and award["text"] for award in last["earns"]["awards"])


def _a_rule() -> dict[str, Any]:
    return {"names": {"zh-CN": "规则", "en": "A rule"}, "award": {"kind": "rate", "points": 1}}


def _paid_now(till: Till, who: Any, total_minor: int) -> Any:
    data = paid(who, total_minor).data
    return an_event(data, about=who, time=till.house.clock.now())


async def test_a_quote_puts_nothing_aside(till: Till):
    await till.shop.public_code("TEN", amount_off())
    await share(till.house, limits=[at_most(60)])
    li = await till.member(points=500)

    for _ in range(3):
        assert (await till.quote(li, "ten", points=500))["to_pay_minor"] == 8_500

    assert await till.bank.holds_of(li) == (500, 0, 0)
    assert await till.uses() == await till.hold_states() == []
    async with till.house.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM earning_counter") == 0


async def test_points_that_have_expired_but_were_not_swept_yet_are_not_offered(till: Till):
    li = await till.member(points=300)
    await till.bank.give(li, 700, ago=729)
    till.house.clock.advance(timedelta(days=1, hours=1))
    till.shop.staff = staff("loyalty:read", at=till.house.clock.now())

    assert (await till.quote(li))["points"]["available"] == 300


async def test_a_member_who_guesses_codes_in_quotes_is_stopped(till: Till):
    li = await till.member()
    async with client_for(SERVICE, till.house.db, till.house.clock) as http:
        answers = [
            await http.post(
                QUOTE,
                headers=customer(li),
                json={"customer_id": str(li), "basket": basket(100), "codes": [f"W{n}{m}" for m in range(10)]},
            )
            for n in range(3)
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_the_dearest_basket_there_may_be_is_quoted_too(till: Till):
    li = await till.member()

    quote = await till.quote(li, of=basket(10**12, shipping=10**12))

    assert quote["to_pay_minor"] == 2 * 10**12
    assert quote["earns"]["points"]["points"] == 10**10


async def test_what_is_missing_after_an_order_counts_what_the_plan_counts_now(till: Till):
    club = Club(till.house)
    await club.publish(a_plan(span={"kind": "rolling", "days": 90}))
    li, wang = await till.member(), await till.member()
    today = (till.house.clock.now() - at(0)).days
    await till.house.learn(paid(li, 15_000, day=today - 1), paid(wang, 15_000, day=today - 91))

    recent, old = await till.quote(li, of=basket(4_000)), await till.quote(wang, of=basket(4_000))

    assert (recent["tier"]["next"]["missing"], old["tier"]["next"]["missing"]) == (50, 200)
    assert recent["after_order"] == {"missing_after": 10, "text": "10 more growth to A tier"}
    assert old["after_order"]["missing_after"] == 160
    assert (await club.prospect(li))["next"]["missing"] == 50


async def test_what_is_missing_after_an_order_is_in_the_unit_of_the_plan(till: Till):
    club = Club(till.house)
    rank = {
        "names": {"zh-CN": "级分", "en": "Rank"},
        "units": {"zh-CN": "级分", "en": "rank points"},
        "spendable": False,
    }
    await till.shop.publish("rank", rank, path="/v1/loyalty/account-types")
    await put_in_force(till.house, "rank-rule", a_rule(fixed(30), credits=["rank"]))
    await club.publish(a_plan(over="rank"))
    li = await till.member()

    after = (await till.quote(li))["after_order"]

    assert after == {"missing_after": 170, "text": "170 more rank points to A tier"}


async def test_a_tier_that_begins_when_the_period_ends_is_not_promised_for_this_order(till: Till):
    club = Club(till.house)
    await club.publish(a_plan(span={"kind": "calendar", "unit": "quarter", "upgrade": "period_end"}))
    li = await till.member()
    order = basket(20_000)

    after = (await till.quote(li, of=order))["after_order"]
    chinese = await till.shop.post(QUOTE, {"customer_id": str(li), "basket": order}, **{"Accept-Language": "zh-CN"})
    await till.house.learn(_paid_now(till, li, 20_000))

    begins = datetime.fromisoformat((await club.prospect(li))["next"]["by"]).astimezone(SHANGHAI).date()
    assert after == {"missing_after": 0, "text": f"With this order A tier is reached; it begins on {begins}"}
    assert chinese["after_order"]["text"] == f"本单完成后即达到等级，将于 {begins} 升级"
    assert (await till.house.tier(li))[0] == "member"
