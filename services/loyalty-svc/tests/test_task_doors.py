"""The doors of tasks: plans as documents, and what a member sees of his own."""

from typing import Any

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import a_customer, at
from .coupon_shop import Shop
from .house import House
from .task_plans import MANAGER, REGULAR, a_step, a_task, an_activity, did, publish

PATH = "/v1/loyalty/tasks"


async def test_a_member_sees_his_progress_at_once_in_his_language_and_no_other(house: House):
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), did(li, day=99), did(li, day=100))

    async with client_for(SERVICE, house.db, house.clock) as http:
        path = f"/v1/customers/{li}/loyalty/tasks"
        own = await http.get(path, headers=customer(li) | {"Accept-Language": "zh-CN"})
        others = await http.get(f"/v1/customers/{wang}/loyalty/tasks", headers=MANAGER | {"Accept-Language": "en"})
        foreign = await http.get(path, headers=customer(wang))
        nobody = await http.get(path)
        no_scope = await http.get(path, headers=staff("tickets:read"))
        unknown = await http.get(f"/v1/customers/{uuid7()}/loyalty/tasks", headers=MANAGER)
        plans = await http.get(PATH, headers=customer(li))

    (task,) = own.json()["items"]
    (step,) = task["steps"]
    assert (task["name"], task["badge"]["name"], task["completed_at"]) == ("连续签到七天", "常客", None)
    assert (step["done"], step["needed"], step["unit"], step["missing"]) == (2, 7, "days", "还需连续 5 天")
    assert [step["done"] for task in others.json()["items"] for step in task["steps"]] == [0]
    assert [one.status_code for one in (foreign, nobody, no_scope, plans)] == [404, 401, 403, 403]
    assert unknown.status_code in (404, 503)


async def test_a_member_sees_his_badges_page_by_page(house: House):
    li, wang = uuid7(), uuid7()
    steps = an_activity("review", "review_written", times=1)
    await publish(house, "reviewer", a_task(steps, every="month", badge=REGULAR))
    await house.learn(a_customer(li), a_customer(wang))
    await house.learn(*(did(li, "review_written", day=day) for day in (1, 40, 75)))

    async with client_for(SERVICE, house.db, house.clock) as http:
        path, headers = f"/v1/customers/{li}/loyalty/tasks/completed", customer(li) | {"Accept-Language": "en"}
        first = (await http.get(f"{path}?limit=2", headers=headers)).json()
        rest = (await http.get(f"{path}?limit=2&cursor={first['next_cursor']}", headers=headers)).json()
        foreign = await http.get(path, headers=customer(wang))

    items = first["items"] + rest["items"]
    assert [one["period"] for one in items] == [at(day).strftime("%Y-%m") for day in (75, 40, 1)]
    assert {(one["badge"]["name"], one["points"], one["rule"]) for one in items} == {("Regular", 100, "reviewer@1")}
    assert rest["next_cursor"] is None
    assert foreign.status_code == 404


async def test_running_tasks_are_paged_by_their_code(house: House):
    li = uuid7()
    await house.learn(a_customer(li))
    for code in ("one", "two"):
        await publish(house, code, a_task(a_step(times=2)))

    async with client_for(SERVICE, house.db, house.clock) as http:
        path = f"/v1/customers/{li}/loyalty/tasks?limit=2"
        first = (await http.get(path, headers=MANAGER)).json()
        rest = (await http.get(f"{path}&cursor={first['next_cursor']}", headers=MANAGER)).json()

    assert [one["task"] for one in first["items"] + rest["items"]] == ["check-in-week", "one", "two"]


@pytest.mark.parametrize(
    ("reward", "pointer"),
    [
        ({"kind": "points", "account_type": "pionts", "points": 1}, "/reward/account_type"),
        ({"kind": "coupon", "coupon": "nothing"}, "/reward/coupon"),
    ],
)
async def test_a_task_whose_reward_does_not_exist_is_not_published(house: House, reward: dict[str, Any], pointer: str):
    shop = Shop(house)
    draft = await shop.ask("POST", PATH, {"code": "first", "document": a_task(reward=reward)})

    refused = await shop.ask("POST", f"{PATH}/first/publish", {}, **{"If-Match": draft.headers["ETag"]})

    assert (draft.status_code, refused.status_code) == (201, 422)
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_step_on_an_unknown_field_is_refused_with_the_place_and_the_nearest_names(house: House):
    condition = {"combinator": "and", "rules": [{"field": "totl_minor", "operator": ">", "value": 1}]}
    document = a_task(a_step(times=1) | {"condition": condition})

    answer = await Shop(house).ask("POST", PATH, {"code": "x", "document": document})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/document/steps/0/condition/rules/0/field"
    assert "total_minor" in error["detail"]


async def test_a_task_that_ends_before_it_starts_is_refused(house: House):
    document = a_task(starts_at=at(2).isoformat(), ends_at=at(1).isoformat())

    answer = await Shop(house).ask("POST", PATH, {"code": "x", "document": document})

    assert answer.status_code == 422
