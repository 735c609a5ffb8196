"""A basket on its way to the till: points and coupons are put aside, and settle, as one."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer
from moat.kit.testing.web import client_for

from .builders import merged
from .coupon_shop import amount_off, basket
from .house import House
from .till import CHECKOUTS, ENGLISH, QUOTE, Till


@pytest.fixture
def till(house: House) -> Till:
    return Till(house)


async def test_points_and_codes_are_put_aside_confirmed_and_spent_as_one(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li = await till.member(points=1_000)

    answer = await till.reserve(li, "ten", points=600, order_id="o-1")
    made = answer.json()
    assert await till.bank.holds_of(li) == (400, 0, 600)
    confirmed = (await till.act(made["id"], "confirm", order_id="o-1")).json()

    assert (made["status"], made["to_pay_minor"], made["allowed_actions"]) == (
        "reserved",
        8_400,
        ["confirm", "cancel"],
    )
    assert confirmed["status"] == "confirmed"
    assert [use["state"] for use in confirmed["coupons"]] == ["redeemed"]
    assert await till.bank.holds_of(li) == (400, 0, 0)
    told = await till.house.said("points.spent", "coupon.redeemed")
    assert sorted(one[0] for one in told) == ["coupon.redeemed", "points.spent"]
    assert not await till.bank.violations()


async def test_cancelling_gives_both_back_and_a_second_time_changes_nothing(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li = await till.member(points=1_000)
    checkout = await till.reserved(li, "ten", points=600)

    answers = [await till.act(checkout, "cancel", reason="payment failed") for _ in range(2)]

    assert [answer.json()["status"] for answer in answers] == ["cancelled", "cancelled"]
    assert await till.bank.holds_of(li) == (1_000, 0, 0)
    assert await till.uses() == ["released"]
    assert await till.reserved(li, "ten", points=1_000)


async def test_when_its_time_is_over_both_come_back_and_it_can_no_longer_be_confirmed(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li = await till.member(points=1_000)
    checkout = await till.reserved(li, "ten", points=600, minutes=5)
    till.house.clock.advance(timedelta(minutes=5))

    too_late = await till.act(checkout, "confirm")
    await till.time_passes()

    assert (too_late.status_code, too_late.json()["type"]) == (409, "urn:moat:checkout.closed")
    assert too_late.json()["checkout_status"] == "timed_out"
    assert (await till.see(checkout))["status"] == "timed_out"
    assert await till.bank.holds_of(li) == (1_000, 0, 0)
    assert await till.uses() == ["timed_out"]
    assert (await till.act(checkout, "cancel")).json()["status"] == "timed_out"
    assert not await till.bank.violations()


async def test_where_one_part_cannot_be_had_the_other_is_not_put_aside(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li, wang = await till.member(points=1_000), await till.member()

    no_code = await till.reserve(li, "nope", points=600)
    no_points = await till.reserve(wang, "ten", points=600)

    assert no_code.json()["type"] == "urn:moat:coupons.not-usable"
    assert no_points.json()["type"] == "urn:moat:points.insufficient"
    assert await till.bank.holds_of(li) == (1_000, 0, 0)
    assert await till.uses() == await till.hold_states() == []


async def test_points_alone_and_codes_alone_make_a_checkout_and_nothing_at_all_none(till: Till):
    await till.shop.public_code("TEN", amount_off(limits={"per_code": None}))
    li = await till.member(points=1_000)

    for checkout in (await till.reserved(li, points=100), await till.reserved(li, "ten")):
        assert (await till.act(checkout, "confirm")).status_code == 200
    nothing = await till.reserve(li)

    assert nothing.status_code == 422
    assert await till.bank.holds_of(li) == (900, 0, 0)


async def test_points_that_cannot_pay_for_this_basket_are_refused_in_words(till: Till):
    li = await till.member(points=20_000)

    odd = await till.reserve(li, points=150)
    many = await till.reserve(li, points=5_100)
    dollars = await till.reserve(li, points=100, of=basket(10_000, currency="USD"))
    small = await till.reserve(li, points=100, of=basket(150))

    assert (odd.status_code, odd.json()["errors"][0]["pointer"]) == (422, "/points")
    assert [answer.json().get("reason") for answer in (many, dollars, small)] == [
        "too_many",
        "not_accepted",
        "basket_too_small",
    ]
    for answer in (many, dollars, small):
        assert answer.status_code == 409
        assert set(answer.json()["texts"]) == {"zh-CN", "en"}
    assert many.json()["most"] == 5_000


async def test_asking_for_too_few_points_says_how_many_were_asked_for_not_that_there_are_no_more(till: Till):
    terms = {"names": {"zh-CN": "积分抵现", "en": "Points in dollars"}, "currency": "USD", "step_points": 100}
    document = terms | {"step_minor": 100, "at_least_points": 500}
    await till.shop.publish("points-in-usd", document, path="/v1/loyalty/points-payments")
    li = await till.member(points=20_000)
    dollars = basket(10_000, currency="USD")

    refused = (await till.reserve(li, points=200, of=dollars)).json()
    quoted = (await till.quote(li, points=200, of=dollars))["points"]

    assert (refused["reason"], refused["least"], refused["requested"]) == ("too_few_asked", 500, 200)
    assert refused["texts"] == {
        "zh-CN": "至少使用 500 积分，请求使用 200",
        "en": "It takes 500 points at least, and 200 were asked for",
    }
    assert (quoted["usable"], quoted["reason"]["text"]) == (10_000, refused["texts"]["en"])


async def test_whatever_is_over_stays_over(till: Till):
    li = await till.member(points=1_000)
    paid_for, dropped = await till.reserved(li, points=100), await till.reserved(li, points=100)
    await till.act(paid_for, "confirm")
    await till.act(dropped, "cancel")

    for checkout, action in ((paid_for, "confirm"), (paid_for, "cancel"), (dropped, "confirm")):
        answer = await till.act(checkout, action)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:moat:checkout.closed")
    assert (await till.act(str(uuid7()), "confirm")).status_code == 404
    assert await till.bank.holds_of(li) == (900, 0, 0)


async def test_a_part_that_was_ended_by_its_own_door_keeps_the_whole_from_being_confirmed(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li = await till.member(points=1_000)
    checkout = await till.reserved(li, "ten", points=600)
    hold_id = (await till.see(checkout))["hold_id"]
    await till.shop.ask("POST", f"/v1/customers/{li}/loyalty/holds/{hold_id}/release")

    refused = await till.act(checkout, "confirm")

    assert refused.json()["type"] == "urn:moat:points.hold-closed"
    assert await till.uses() == ["reserved"]
    assert (await till.act(checkout, "cancel")).json()["status"] == "cancelled"
    assert await till.uses() == ["released"]


async def test_points_that_were_spent_by_their_own_door_do_not_keep_the_codes_from_coming_back(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li = await till.member(points=1_000)
    checkout = await till.reserved(li, "ten", points=600)
    hold_id = (await till.see(checkout))["hold_id"]
    await till.shop.post(f"/v1/customers/{li}/loyalty/holds/{hold_id}/confirm", {})

    refused = await till.act(checkout, "confirm")
    cancelled = await till.act(checkout, "cancel")

    assert refused.json()["type"] == "urn:moat:points.hold-closed"
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert await till.uses() == ["released"]
    assert await till.bank.holds_of(li) == (400, 0, 0)
    assert (await till.see(checkout))["allowed_actions"] == []


async def test_a_checkout_follows_its_customer_into_whom_he_becomes(till: Till):
    await till.shop.public_code("TEN", amount_off())
    li, wang = await till.member(points=1_000), await till.member()
    checkout = await till.reserved(li, "ten", points=600)

    await till.house.learn(merged(li, wang))
    confirmed = await till.act(checkout, "confirm")

    assert confirmed.status_code == 200
    assert confirmed.json()["customer_id"] == str(wang)
    assert await till.bank.holds_of(wang) == (400, 0, 0)
    listed = await till.shop.ask("GET", f"/v1/customers/{li}/loyalty/checkouts")
    assert [one["id"] for one in listed.json()["items"]] == [checkout]


async def test_a_member_may_look_at_his_own_basket_and_put_nothing_aside(till: Till):
    li, wang = await till.member(points=1_000), await till.member()
    checkout = await till.reserved(li, points=100)
    await till.reserved(li, points=100)
    body = {"customer_id": str(li), "basket": basket(10_000)}
    async with client_for(SERVICE, till.house.db, till.house.clock) as http:

        async def ask(method: str, path: str, who: Any, json: Any = None) -> int:
            return (await http.request(method, path, headers=customer(who) | ENGLISH, json=json)).status_code

        listed = await http.get(f"/v1/customers/{li}/loyalty/checkouts?limit=1", headers=customer(li))

        assert await ask("POST", QUOTE, li, body) == 200
        assert await ask("POST", QUOTE, wang, body) == 404
        assert await ask("POST", CHECKOUTS, li, {**body, "points": 100}) == 403
        assert await ask("POST", f"{CHECKOUTS}/{checkout}/confirm", li, {}) == 403
        assert await ask("GET", f"{CHECKOUTS}/{checkout}", li) == 403
        assert await ask("GET", f"/v1/customers/{li}/loyalty/checkouts", wang) == 404
    assert len(listed.json()["items"]) == 1
    assert listed.json()["next_cursor"]


async def test_points_have_one_worth_in_a_currency_and_only_those_that_can_be_spent(till: Till):
    path = "/v1/loyalty/points-payments"
    terms = {"names": {"zh-CN": "抵现", "en": "Pay"}, "currency": "CNY", "step_points": 10, "step_minor": 10}

    assert (await _publish(till, path, "again", terms)).json()["type"] == "urn:moat:checkout.terms-taken"
    assert (await _publish(till, path, "dollars", {**terms, "currency": "USD"})).status_code == 200
    growth = await _publish(till, path, "growth-pays", {**terms, "account_type": "growth"})
    assert growth.json()["type"] == "urn:moat:points.not-spendable"

    li = await till.member(points=1_000)
    quote = await till.quote(li, of=basket(10_000, currency="USD"), points=30)
    assert quote["points"]["used_minor"] == 30


async def test_why_stamps_do_not_pay_is_said_in_stamps(till: Till):
    li = await till.member()
    stamps = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}
    assert (await _publish(till, "/v1/loyalty/account-types", "stamps", stamps)).status_code == 200
    terms = {"names": {"zh-CN": "抵现", "en": "Pay"}, "currency": "CNY", "step_points": 1, "step_minor": 100}
    terms |= {"account_type": "stamps", "at_least_points": 5}
    assert (await _publish(till, "/v1/loyalty/points-payments", "stamps", terms)).status_code == 200

    quote = await till.quote(li, account_type="stamps")
    few = await till.reserve(li, account_type="stamps", points=4)

    assert quote["points"]["reason"]["text"] == "It takes 5 stamps at least, and there are 0"
    assert few.json()["texts"]["zh-CN"] == "至少使用 5 枚，请求使用 4"


async def _publish(till: Till, path: str, code: str, document: dict[str, Any]) -> Any:
    draft = await till.shop.ask("POST", path, {"code": code, "document": document})
    assert draft.status_code == 201, draft.text
    return await till.shop.ask("POST", f"{path}/{code}/publish", {}, **{"If-Match": draft.headers["ETag"]})
