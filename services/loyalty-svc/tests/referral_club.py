"""A club whose members bring friends: short ways to use codes and to let days pass."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from loyalty_svc.features import SERVICE
from loyalty_svc.referrals.timers import timers
from moat.contracts.customers import CustomerCreated, CustomerMergeProposed
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for
from moat.kit.timers.runner import fire

from .builders import at
from .house import House

(KIND,) = timers.kinds
START = 100


async def call(house: House, method: str, path: str, headers: dict[str, str], **more: Any):
    async with client_for(SERVICE, house.db, house.clock) as http:
        return await http.request(method, path, headers=headers, **more)


def clerk(house: House) -> dict[str, str]:
    return staff("loyalty:read", "loyalty:write", at=house.clock.now())


def known(id_: UUID, *, day: float = START) -> Event[Any]:
    return an_event(CustomerCreated(), about=id_, time=at(day))


def proposed(one: UUID, other: UUID, *, day: float = START) -> Event[Any]:
    return an_event(CustomerMergeProposed(other_id=other), about=one, time=at(day))


async def some_customers(house: House, count: int = 2) -> list[UUID]:
    """New customers; the clock stands at day 100 until it is moved."""
    found = [uuid7() for _ in range(count)]
    await house.learn(*(an_event(CustomerCreated(), about=id_, time=house.clock.now()) for id_ in found))
    return found


async def code_of(house: House, who: UUID) -> str:
    answer = await call(house, "GET", f"/v1/customers/{who}/loyalty/referral-code", clerk(house))
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


async def use(house: House, friend: UUID, code: str, **headers: str) -> dict[str, Any]:
    path = f"/v1/customers/{friend}/loyalty/referrals"
    answer = await call(house, "POST", path, clerk(house) | {"Accept-Language": "en"} | headers, json={"code": code})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def bring(house: House, referrer: UUID, friend: UUID) -> dict[str, Any]:
    return await use(house, friend, await code_of(house, referrer))


async def days_pass(house: House, days: float) -> None:
    house.clock.advance(timedelta(days=days))
    while await fire(SERVICE, KIND, house.db, house.clock):
        pass


async def available(house: House, who: UUID) -> int:
    return (await house.points(who))[0]


async def rejections(house: House) -> list[tuple[str, str]]:
    return [(data["reason"], data["stage"]) for _, _, data in await house.said("referral.rejected")]
