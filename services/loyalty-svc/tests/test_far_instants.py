"""Instants at either end of time, at every door that takes one: refused by name, as nothing can count with them."""

from typing import Any

import pytest

from .club_rooms import a_club
from .hall_of_honour import an_honour, where
from .house import House
from .lottery import a_surprise
from .rulebook import PER_UNIT, a_rule
from .task_plans import a_step, a_task
from .till import Till

FAR = ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00")
DOCUMENTS = {
    "surprises": a_surprise(),
    "clubs": a_club(),
    "honours": an_honour(where("orders_count", ">=", 5)),
    "tasks": a_task(a_step(times=1)),
    "earning-rules": a_rule(PER_UNIT),
}


@pytest.fixture
def till(house: House) -> Till:
    return Till(house)


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
async def test_no_document_begins_to_judge_at_the_end_of_time(till: Till, kind: str, far: str):
    path = f"/v1/loyalty/{kind}"
    draft = await till.shop.ask("POST", path, {"code": "far", "document": DOCUMENTS[kind]})

    answer = await till.shop.ask(
        "POST", f"{path}/far/publish", {"valid_from": far}, **{"If-Match": draft.headers["ETag"]}
    )

    assert pointers(answer) == ["/valid_from"]


@pytest.mark.parametrize("far", FAR)
async def test_no_surprise_is_drawn_at_the_end_of_time(till: Till, far: str):
    body = {"code": "far", "document": a_surprise(draws_at=far)}

    assert pointers(await till.shop.ask("POST", "/v1/loyalty/surprises", body)) == ["/document/draws_at"]


@pytest.mark.parametrize("far", FAR)
async def test_nothing_is_given_by_hand_until_the_end_of_time(till: Till, far: str):
    li = await till.member()
    path = f"/v1/customers/{li}/loyalty"

    honour = {"honour": "star-customer", "reason": "ten years with us", "valid_until": far}
    grant = {"tier": "gold", "until": far, "reason": "guest of honour"}

    assert pointers(await till.shop.ask("POST", f"{path}/honours", honour)) == ["/valid_until"]
    assert pointers(await till.shop.ask("POST", f"{path}/tier-grants", grant)) == ["/until"]


@pytest.mark.parametrize("far", FAR)
async def test_nothing_is_published_from_a_simulation_at_the_end_of_time(till: Till, far: str):
    run = "019a9f6e-0000-7000-8000-000000000001"

    answer = await till.shop.ask(
        "POST", f"/v1/loyalty/simulations/{run}/publish", {"valid_from": far}, **{"If-Match": '"1"'}
    )

    assert pointers(answer) == ["/valid_from"]
