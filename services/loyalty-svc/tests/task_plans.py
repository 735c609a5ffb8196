"""Tasks and what members do, for tests."""

from typing import Any
from uuid import UUID

from loyalty_svc.features import SERVICE
from moat.contracts.customers import CustomerActivityRecorded
from moat.kit.events import Event
from moat.kit.testing import an_event
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import at
from .house import House

MANAGER = staff("loyalty:read", "loyalty:write", id="manager-1")
NAMES = {"zh-CN": "三单", "en": "Three orders"}
REWARD = {"kind": "points", "points": 100}
REGULAR = {"code": "regular", "names": {"zh-CN": "常客", "en": "Regular"}}


def did(about: UUID, name: str = "check_in", *, day: float = 1, late: float = 0, **more: Any) -> Event[Any]:
    """A member did something."""
    return an_event(CustomerActivityRecorded(name=name), about=about, time=at(day), recorded_at=at(day + late), **more)


def a_step(code: str = "orders", *, on: str = "order.paid", **target: Any) -> dict[str, Any]:
    return {"code": code, "names": NAMES, "on": on, "target": {"kind": "times", **target}}


def an_activity(code: str, name: str, **target: Any) -> dict[str, Any]:
    """A step over what members do that is called so."""
    rules = [{"field": "name", "operator": "=", "value": name}]
    condition = {"combinator": "and", "rules": rules}
    return a_step(code, on="customer.activity_recorded", **target) | {"condition": condition}


def a_task(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"names": NAMES, "steps": steps or [a_step(times=3, within_days=30)], "reward": REWARD, **more}


async def publish(house: House, code: str, document: dict[str, Any], *, since: float | None = 0) -> None:
    """Publish a task, valid from the beginning of the tests, or from now on."""
    body: dict[str, Any] = {}
    if since is not None:
        body = {"valid_from": at(since).isoformat(), "confirm": ["documents.backdated"]}
    async with client_for(SERVICE, house.db, house.clock) as http:
        path = "/v1/loyalty/tasks"
        draft = await http.post(path, json={"code": code, "document": document}, headers=MANAGER)
        assert draft.status_code == 201, draft.text
        headers = MANAGER | {"If-Match": draft.headers["ETag"]}
        answer = await http.post(f"{path}/{code}/publish", json=body, headers=headers)
        assert answer.status_code == 200, answer.text


async def three_orders(house: House, **more: Any) -> None:
    await publish(house, "three-orders", a_task(**more))


async def available(house: House, who: UUID) -> int:
    return (await house.points(who))[0]


async def progress(house: House, who: UUID, *, language: str = "en") -> dict[str, Any]:
    """The tasks that run now, by code, as the member is told."""
    async with client_for(SERVICE, house.db, house.clock) as http:
        headers = MANAGER | {"Accept-Language": language}
        answer = await http.get(f"/v1/customers/{who}/loyalty/tasks", headers=headers)
    assert answer.status_code == 200, answer.text
    return {one["task"]: one for one in answer.json()["items"]}


async def completed(house: House, who: UUID) -> list[tuple[str, str, bool]]:
    """(task, period, it stands) of what a member has completed."""
    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.get(f"/v1/customers/{who}/loyalty/tasks/completed", headers=MANAGER)
    assert answer.status_code == 200, answer.text
    return [(one["task"], one["period"], one["withdrawn_at"] is None) for one in answer.json()["items"]]
