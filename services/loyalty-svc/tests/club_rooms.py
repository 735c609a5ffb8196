"""Clubs and their events, as tests of them talk to them: over HTTP, as staff or as a member."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.club_events.timers import timers as club_event_timers
from loyalty_svc.clubs.tables import DUE
from loyalty_svc.clubs.timers import timers
from loyalty_svc.features import SERVICE
from moat.contracts.orders import Line, OrderPaid
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for
from moat.kit.timers.runner import fire

from .builders import a_customer, at
from .house import House

PATH = "/v1/loyalty/clubs"
EVENTS = "/v1/loyalty/club-events"
NAMES = {"zh-CN": "读书会", "en": "Reading circle"}
CARD = "CARD-30"
MONTH = {"unit": "days", "count": 30}
TEA = {"code": "tea", "names": {"zh-CN": "免费茶水", "en": "Free tea"}, "terms": {"cups": 2}}
KINDS = tuple(timers.kinds)
assert DUE in {kind.kind for kind in KINDS}


def a_club(**more: Any) -> dict[str, Any]:
    """Paid with a card for thirty days, three days of grace, told seven days ahead."""
    paid_club = {"by_payment": {"skus": [CARD]}, "term": MONTH, "remind_days": 7, "grace_days": 3, "benefits": [TEA]}
    return {"names": NAMES, **paid_club, **more}


def by_value(at_least: int, *, kind: str = "spend", over: str = "term", **more: Any) -> dict[str, Any]:
    return {"by_value": {"value": {"kind": kind, "at_least": at_least, "over": over}, **more}, "by_payment": None}


def bought(
    about: UUID, *, day: float, order: UUID | None = None, sku: str = CARD, pieces: int = 1, total: int = 9_900
) -> Event[Any]:
    """A paid order with one line."""
    uid = order or uuid7()
    data = OrderPaid(
        order_uid=uid,
        order_source="/shops/main",
        order_id=f"o-{uid}",
        currency="CNY",
        total_minor=total,
        lines=(Line(sku=sku, quantity=pieces, amount_minor=total),),
    )
    return an_event(data, about=about, time=at(day))


def an_occasion(club: str = "circle", *, day: float = 110, places: int = 10, **more: Any) -> dict[str, Any]:
    place = {"zh-CN": "二楼", "en": "Upstairs"}
    when = {"starts_at": at(day).isoformat(), "ends_at": at(day + 0.1).isoformat()}
    return {"club": club, "names": NAMES, "place": place, **when, "places": places, **more}


@dataclass
class Rooms:
    house: House

    @property
    def manager(self) -> dict[str, str]:
        return staff("loyalty:read", "loyalty:write", id="manager-1", at=self.house.clock.now())

    async def ask(
        self, method: str, path: str, body: Any = None, *, own: UUID | None = None, **headers: str
    ) -> httpx.Response:
        caller = customer(own, at=self.house.clock.now()) if own else self.manager
        async with client_for(SERVICE, self.house.db, self.house.clock) as http:
            return await http.request(method, path, json=body, headers={"Accept-Language": "en"} | caller | headers)

    async def must(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> dict[str, Any]:
        answer = await self.ask(method, path, body, **more)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def publish(self, document: dict[str, Any], code: str = "circle", *, since: float | None = 0) -> None:
        """Publish a club, valid from the beginning of the tests, or from now on."""
        body: dict[str, Any] = {}
        if since is not None:
            body = {"valid_from": at(since).isoformat(), "confirm": ["documents.backdated"]}
        draft = await self.ask("POST", PATH, {"code": code, "document": document})
        assert draft.status_code == 201, draft.text
        await self.must("POST", f"{PATH}/{code}/publish", body, **{"If-Match": draft.headers["ETag"]})

    async def customer(self) -> UUID:
        id_ = uuid7()
        await self.house.learn(a_customer(id_))
        return id_

    async def member(self, *, day: float = 99) -> UUID:
        """A member of the circle who has paid for thirty days."""
        id_ = await self.customer()
        await self.house.learn(bought(id_, day=day))
        return id_

    async def until(self, day: float) -> None:
        """Time passes, and timers ring."""
        self.house.clock.set(at(day))
        await self.ring()

    async def ring(self) -> None:
        for kind in KINDS:
            while await fire(SERVICE, kind, self.house.db, self.house.clock):
                pass

    async def seat(self) -> None:
        """Let the timer give free places to members who are back."""
        (kind,) = club_event_timers.kinds
        while await fire(SERVICE, kind, self.house.db, self.house.clock):
            pass

    async def of(self, who: UUID, code: str = "circle", *, own: bool = False, language: str = "en") -> dict[str, Any]:
        """How a customer stands to a club."""
        path = f"/v1/customers/{who}/loyalty/clubs"
        found = await self.must("GET", path, own=who if own else None, **{"Accept-Language": language})
        return {one["club"]: one for one in found["items"]}[code]

    async def stands(self, who: UUID, code: str = "circle") -> tuple[str, datetime | None]:
        """(status, ends_at)."""
        found = await self.of(who, code)
        ends_at = found["ends_at"]
        return found["status"], datetime.fromisoformat(ends_at) if ends_at else None

    async def act(self, who: UUID, action: str, *, own: bool = False, code: str = "circle") -> httpx.Response:
        body = {} if action == "leave" else {"reason": "as agreed"}
        path = f"/v1/customers/{who}/loyalty/clubs/{code}/{action}"
        return await self.ask("POST", path, body, own=who if own else None)

    async def invite(self, who: UUID, code: str = "circle", **more: Any) -> httpx.Response:
        return await self.ask("POST", f"/v1/customers/{who}/loyalty/club-invitations", {"club": code, **more})

    async def answer(self, who: UUID, invitation: str, answer: str, *, own: bool = True) -> httpx.Response:
        path = f"/v1/customers/{who}/loyalty/club-invitations/{invitation}/{answer}"
        return await self.ask("POST", path, {}, own=who if own else None)

    async def plan(self, **more: Any) -> dict[str, Any]:
        return await self.must("POST", EVENTS, an_occasion(**more), status=201)

    async def book(self, who: UUID, event: str, *, own: bool = True) -> httpx.Response:
        """Insists, with one key, when told to come again later."""
        path, key = f"/v1/customers/{who}/loyalty/club-events/{event}/book", {"Idempotency-Key": f"{who}-{event}"}
        for _ in range(100):
            answer = await self.ask("POST", path, {}, own=who if own else None, **key)
            if answer.status_code != 503:
                break
        return answer

    async def booked(self, who: UUID, event: str) -> tuple[str, int | None]:
        """(state, position) of a booking that is accepted."""
        answer = await self.book(who, event)
        assert answer.status_code == 201, answer.text
        return answer.json()["state"], answer.json()["position"]

    async def give_up(self, who: UUID, event: str, *, own: bool = True) -> httpx.Response:
        path = f"/v1/customers/{who}/loyalty/club-events/{event}/cancel"
        return await self.ask("POST", path, {}, own=who if own else None)

    async def places(self, event: str, state: str = "booked") -> list[UUID]:
        found = await self.must("GET", f"{EVENTS}/{event}/places?state={state}&limit=200")
        return [UUID(one["customer_id"]) for one in found["items"]]

    async def event(self, id_: str) -> dict[str, Any]:
        return await self.must("GET", f"{EVENTS}/{id_}")

    async def told(self, who: UUID | None = None) -> list[str]:
        """What was announced of clubs, in order; about one customer or everybody."""
        told = [(kind.removeprefix("club."), about) for kind, about, _ in await self.house.said() if "club." in kind]
        return [kind for kind, about in told if who in (None, about)]
