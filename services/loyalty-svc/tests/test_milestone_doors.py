"""The doors of milestones: plans as documents, and what a member sees of his own."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import a_customer
from .coupon_shop import Shop
from .house import House
from .milestone_plans import MANAGER, NAMES, a_day


@pytest.mark.parametrize(
    ("gift", "pointer"),
    [
        ({"kind": "points", "account_type": "pionts", "points": 1}, "/gift/account_type"),
        ({"kind": "coupon", "coupon": "nothing"}, "/gift/coupon"),
    ],
)
async def test_a_plan_whose_gift_does_not_exist_is_not_published(house: House, gift: dict[str, Any], pointer: str):
    shop = Shop(house)
    document = {"names": NAMES, "trigger": {"kind": "nth_order", "n": 3}, "gift": gift}
    path = "/v1/loyalty/milestones"
    draft = await shop.ask("POST", path, {"code": "third", "document": document})

    refused = await shop.ask("POST", f"{path}/third/publish", {}, **{"If-Match": draft.headers["ETag"]})

    assert (draft.status_code, refused.status_code) == (201, 422)
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


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
        "gift": {"kind": "points", "points": 1},
        "condition": condition,
    }
    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.post("/v1/loyalty/milestones", json={"code": "x", "document": document}, headers=MANAGER)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/document/condition/rules/0/field"
    assert "tier" in error["detail"]
