"""A hall of honour, as tests of it talk to it: over HTTP as staff, and by what happens to members."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.honours.tables import LOOK
from moat.kit.db.transaction import Transaction
from moat.kit.testing.callers import staff

from .coupon_shop import Shop
from .house import House

NAMES = {"zh-CN": "知音", "en": "Kindred spirit"}
TOLD = {"zh-CN": "谢谢您懂我们。", "en": "Thank you for knowing us."}


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


def an_honour(condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"names": NAMES, "told": TOLD, "condition": condition, **more}


class Counting:
    """A transaction that counts what it is asked for."""

    def __init__(self, tx: Transaction) -> None:
        self.tx, self.number = tx, 0

    def __getattr__(self, name: str) -> Any:
        self.number += name in {"execute", "all", "one", "first", "scalar"}
        return getattr(self.tx, name)


@dataclass
class Hall:
    house: House

    @property
    def shop(self) -> Shop:
        return Shop(self.house, staff("loyalty:read", "loyalty:write", at=self.house.clock.now()))

    async def member(self) -> UUID:
        return await self.shop.member()

    async def publish(self, code: str, document: dict[str, Any], **more: Any) -> None:
        await self.shop.publish(code, document, path="/v1/loyalty/honours", **more)

    async def give(self, who: UUID, honour: str = "star-customer", **more: Any) -> httpx.Response:
        body = {"honour": honour, "reason": "ten years with us", **more}
        return await self.shop.ask("POST", f"/v1/customers/{who}/loyalty/honours", body)

    async def given(self, who: UUID, honour: str = "star-customer", **more: Any) -> str:
        answer = await self.give(who, honour, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def act(self, who: UUID, holding: str, action: str, body: Any = None) -> httpx.Response:
        return await self.shop.ask("POST", f"/v1/customers/{who}/loyalty/honours/{holding}/{action}", body)

    async def withdraw(self, who: UUID, holding: str, **more: Any) -> httpx.Response:
        return await self.act(who, holding, "withdraw", {"reason": "a mistake", **more})

    async def of(self, who: UUID) -> list[dict[str, Any]]:
        answer = await self.shop.ask("GET", f"/v1/customers/{who}/loyalty/honours", **{"Accept-Language": "en"})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def held(self, who: UUID) -> list[str]:
        return sorted(one["honour"] for one in await self.of(who) if one["stands"])

    async def look(self) -> None:
        """Let the timer judge everybody, slice by slice, as far as it is due."""
        while await self.shop.fire(LOOK):
            pass
