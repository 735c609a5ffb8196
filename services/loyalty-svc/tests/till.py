"""A shop's till, as tests of checkouts use it: over HTTP, as staff; with the bank and the coupon shop beside it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.coupon_uses.tables import RELEASE

from .bank import Bank
from .coupon_shop import Shop, basket
from .house import House

QUOTE = "/v1/loyalty/checkout/quote"
CHECKOUTS = "/v1/loyalty/checkouts"
ENGLISH = {"Accept-Language": "en"}


@dataclass
class Till:
    house: House

    def __post_init__(self) -> None:
        self.shop = Shop(self.house)
        self.bank = Bank(self.house)

    async def member(self, points: int = 0) -> UUID:
        id_ = await self.shop.member()
        if points:
            await self.bank.give(id_, points)
        return id_

    async def quote(self, who: UUID, *codes: str, of: Any = None, **more: Any) -> dict[str, Any]:
        body = {"customer_id": str(who), "basket": of or basket(10_000), "codes": codes, **more}
        return await self.shop.post(QUOTE, body, **ENGLISH)

    async def reserve(self, who: UUID, *codes: str, of: Any = None, key: str = "", **more: Any) -> httpx.Response:
        body = {"customer_id": str(who), "basket": of or basket(10_000), "codes": codes, **more}
        return await self.shop.ask("POST", CHECKOUTS, body, **({"Idempotency-Key": key} if key else {}))

    async def reserved(self, who: UUID, *codes: str, **more: Any) -> str:
        answer = await self.reserve(who, *codes, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def act(self, checkout: str, action: str, **body: Any) -> httpx.Response:
        return await self.shop.ask("POST", f"{CHECKOUTS}/{checkout}/{action}", body)

    async def see(self, checkout: str) -> dict[str, Any]:
        return dict((await self.shop.ask("GET", f"{CHECKOUTS}/{checkout}")).json())

    async def time_passes(self) -> None:
        """Let the timers of both parts ring."""
        await self.bank.ring()
        await self.shop.fire(RELEASE)

    async def uses(self) -> list[str]:
        """The states of all coupon uses."""
        async with self.house.db.transaction() as tx:
            return list((await tx.execute("SELECT state FROM coupon_use ORDER BY id")).scalars())

    async def hold_states(self) -> list[str]:
        """The states of all holds."""
        async with self.house.db.transaction() as tx:
            return list((await tx.execute("SELECT status FROM hold ORDER BY id")).scalars())
