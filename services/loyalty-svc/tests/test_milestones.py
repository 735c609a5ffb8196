"""Gifts for days that come round and for orders that add up, on PostgreSQL."""

import asyncio
from datetime import date, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.features import SERVICE
from moat.contracts.customers import CustomerOccasionReached
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import a_customer, at, merged, paid, refunded
from .house import House

MANAGER = staff("loyalty:read", "loyalty:write", id="manager-1")
NAMES = {"zh-CN": "第三单", "en": "Third order"}


def a_day(
    about: UUID,
    kind: str = "birthday",
    *,
    day: float = 10,
    ahead: int = 0,
    year: int = 2026,
    late: float = 0,
    **more: Any,
) -> Event[Any]:
    data = CustomerOccasionReached(kind=kind, occurs_on=date(2026, 8, 22), days_ahead=ahead, year=year, **more)
    return an_event(data, about=about, time=at(day), recorded_at=at(day + late))


async def publish(house: House, code: str, *, begin: str | None = None, **document: Any) -> None:
    document = {"names": NAMES, "gift": {"points": 100}, **document}
    async with client_for(SERVICE, house.db, house.clock) as http:
        path = "/v1/loyalty/milestones"
        draft = await http.post(path, json={"code": code, "document": document}, headers=MANAGER)
        assert draft.status_code == 201, draft.text
        etag = draft.headers.get("ETag") or f'"{draft.json()["revision"]}"'
        answer = await http.post(
            f"{path}/{code}/publish",
            json={"valid_from": at(0).isoformat(), "confirm": ["documents.backdated"]},
            headers=MANAGER | {"If-Match": etag},
        )
        assert answer.status_code == 200, answer.text


async def publish_third_order(house: House, **more: Any) -> None:
    await publish(house, "third-order", trigger={"kind": "nth_order", "n": 3}, once="ever", **more)


async def available(house: House, who: UUID) -> int:
    return (await house.points(who))[0]


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


async def test_a_retired_plan_gives_nothing_any_more(house: House):
    li = uuid7()
    async with client_for(SERVICE, house.db, house.clock) as http:
        path = "/v1/loyalty/milestones/birthday-gift"
        etag = (await http.get(path, headers=MANAGER)).headers["ETag"]
        retired = await http.post(f"{path}/retire", json={}, headers=MANAGER | {"If-Match": etag})
    house.clock.advance(timedelta(days=1))

    await house.learn(a_day(li, day=100.5))

    assert retired.status_code == 200
    assert await house.points(li) == (0, 0, 0)


async def test_a_member_sees_what_he_has_reached_in_his_language_and_no_other(house: House):
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), a_day(li), a_day(li, "anniversary", day=12, years=2))

    async with client_for(SERVICE, house.db, house.clock) as http:
        path = f"/v1/customers/{li}/loyalty/milestones"
        own = await http.get(path, headers=customer(li) | {"Accept-Language": "en"})
        page = await http.get(path + "?limit=1", headers=MANAGER)
        rest = await http.get(path + f"?limit=1&cursor={page.json()['next_cursor']}", headers=MANAGER)
        foreign = await http.get(path, headers=customer(wang))
        nobody = await http.get(path)
        no_scope = await http.get(path, headers=staff("tickets:read"))
        plans = await http.get("/v1/loyalty/milestones", headers=customer(li))

    assert [(one["name"], one["points"]) for one in own.json()["items"]] == [
        ("Anniversary gift", 50),
        ("Birthday gift", 50),
    ]
    assert [one["name"] for one in page.json()["items"] + rest.json()["items"]] == ["会员周年礼", "生日礼"]
    assert (foreign.status_code, nobody.status_code, no_scope.status_code, plans.status_code) == (404, 401, 403, 403)


async def test_a_plan_on_an_unknown_field_is_refused_with_the_place_and_the_nearest_names(house: House):
    condition = {"combinator": "and", "rules": [{"field": "teir", "operator": "=", "value": "gold"}]}
    document = {
        "names": NAMES,
        "trigger": {"kind": "nth_order", "n": 3},
        "gift": {"points": 1},
        "condition": condition,
    }
    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.post("/v1/loyalty/milestones", json={"code": "x", "document": document}, headers=MANAGER)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/document/condition/rules/0/field"
    assert "tier" in error["detail"]
