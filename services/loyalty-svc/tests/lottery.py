"""Surprises and their draws, as tests talk to them: over HTTP as staff, and by their timer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.surprises import giving, queries
from loyalty_svc.surprises.tables import DRAW
from moat.customers.follow import hold_merges_off
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff

from .builders import a_customer
from .coupon_shop import Shop
from .house import House

NAMES = {"zh-CN": "小惊喜", "en": "A little surprise"}
PATH = "/v1/loyalty/surprises"


def a_surprise(
    points: int = 50, *, winners: int = 3, budget: int = 1_000_000, days: int = 30, **more: Any
) -> dict[str, Any]:
    return {
        "names": NAMES,
        "gift": {"points": {"points": points}},
        "winners": winners,
        "budget": {"kind": "points", "points": budget},
        "quiet_days": days,
        **more,
    }


@dataclass
class Lottery:
    house: House

    @property
    def shop(self) -> Shop:
        return Shop(self.house, staff("loyalty:read", "loyalty:write", at=self.house.clock.now()))

    async def members(self, count: int) -> list[UUID]:
        ids = [uuid7() for _ in range(count)]
        await self.house.learn(*map(a_customer, ids))
        return ids

    async def publish(self, code: str, document: dict[str, Any], **more: Any) -> None:
        await self.shop.publish(code, document, path=PATH, **more)

    async def try_to_publish(self, document: dict[str, Any], code: str = "wrong") -> httpx.Response:
        draft = await self.shop.ask("POST", PATH, {"code": code, "document": document})
        if draft.status_code != 201:
            return draft
        return await self.shop.ask("POST", f"{PATH}/{code}/publish", {}, **{"If-Match": draft.headers["ETag"]})

    async def retire(self, code: str) -> None:
        etag = (await self.shop.ask("GET", f"{PATH}/{code}")).headers["ETag"]
        await self.shop.ask("POST", f"{PATH}/{code}/retire", {}, **{"If-Match": etag})

    async def start(self, code: str, **headers: str) -> httpx.Response:
        return await self.shop.ask("POST", f"{PATH}/{code}/draws", **headers)

    async def run(self) -> None:
        """Let the timer of draws fire as long as something is due."""
        while await self.shop.fire(DRAW):
            pass

    async def draw(self, code: str) -> dict[str, Any]:
        """Draw it, to the end."""
        answer = await self.start(code)
        assert answer.status_code == 202, answer.text
        await self.run()
        return await self.read(code, answer.json()["id"])

    async def draws(self, code: str) -> list[dict[str, Any]]:
        answer = await self.shop.ask("GET", f"{PATH}/{code}/draws")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def waiting(self, code: str) -> dict[str, Any]:
        (one,) = [draw for draw in await self.draws(code) if draw["state"] == "committed"]
        return one

    async def read(self, code: str, draw: str) -> dict[str, Any]:
        answer = await self.shop.ask("GET", f"{PATH}/{code}/draws/{draw}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def entries(self, code: str, draw: str, *, limit: int = 200) -> list[dict[str, Any]]:
        path, cursor, found = f"{PATH}/{code}/draws/{draw}/entries?limit={limit}", "", []
        while cursor is not None:
            page = (await self.shop.ask("GET", f"{path}&cursor={cursor}" if cursor else path)).json()
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    async def winners(self, code: str, draw: str) -> list[UUID]:
        return [UUID(one["customer_id"]) for one in await self.entries(code, draw) if one["outcome"] == "given"]

    async def won(self, who: UUID) -> list[dict[str, Any]]:
        answer = await self.shop.ask("GET", f"/v1/customers/{who}/loyalty/surprises")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def points(self, who: UUID) -> int:
        return (await self.house.points(who))[0]

    async def go_on(self, *draws: str) -> None:
        """One slice of these, past the timer, as a worker's transaction does it."""
        ids = [UUID(one) for one in draws]
        async with self.house.db.transaction() as tx:
            await hold_merges_off(tx)
            await queries.lock_of_draws(tx, ids)
            await giving.go_on(tx, ids, now=self.house.clock.now())
