"""Plans and days of milestones for tests."""

from datetime import date
from typing import Any
from uuid import UUID

from loyalty_svc.features import SERVICE
from moat.contracts.customers import CustomerOccasionReached
from moat.kit.events import Event
from moat.kit.testing import an_event
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import at
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
    document = {"names": NAMES, "gift": {"kind": "points", "points": 100}, **document}
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
