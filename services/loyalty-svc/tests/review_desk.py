"""Short ways to have awards held, to see what waits for a person, and to decide it."""

from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import a_customer, paid
from .house import House
from .rulebook import PER_UNIT, a_rule, at_most, put_in_force

GUARDED = a_rule(PER_UNIT, limits=[at_most(2, per="hour", what="awards", way="hold")], group="base", priority=1)
MANAGER = staff("loyalty:read", "loyalty:write")
AWARDS = "/v1/loyalty/awards"


async def one_with_a_held_award(house: House) -> UUID:
    """A customer whose third order within an hour, of 100 yuan, is held."""
    li = uuid7()
    await put_in_force(house, "order-points", GUARDED)
    await house.learn(a_customer(li), *[paid(li, 10_000, order=UUID(int=n), day=1 + n / 1_000) for n in (1, 2, 3)])
    return li


async def call(house: House, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    async with client_for(SERVICE, house.db, house.clock) as http:
        return await http.request(method, path, json=body, headers=MANAGER | headers)


async def waiting(house: House) -> list[dict[str, Any]]:
    return (await call(house, "GET", f"{AWARDS}?status=held")).json()["items"]
