"""A club with a tier plan, as tests of it talk to it: over HTTP, as staff."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.tiers.tables import DUE, JUDGE_ALL
from moat.kit.testing.callers import staff

from .builders import at
from .coupon_shop import Shop
from .house import House

PATH = "/v1/loyalty/tier-plans"
NAMES = {"zh-CN": "等级", "en": "A tier"}
FLOORS = {"member": 0, "silver": 200, "gold": 500, "black": 1000}


def a_plan(floors: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    tiers = [{"code": code, "names": NAMES, "from_value": floor} for code, floor in (floors or FLOORS).items()]
    return {"tiers": tiers, **more}


@dataclass
class Club:
    house: House
    shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.shop = Shop(self.house)

    async def publish(self, document: dict[str, Any], **more: Any) -> None:
        self.shop.staff = staff("loyalty:read", "loyalty:write", at=self.house.clock.now())
        await self.shop.publish("tiers", document, path=PATH, **more)
        await self.ring()

    async def ring(self) -> None:
        for kind in (JUDGE_ALL, DUE):
            while await self.shop.fire(kind):
                pass

    async def until(self, day: float) -> None:
        self.house.clock.set(at(day))
        await self.ring()
        self.shop.staff = staff("loyalty:read", "loyalty:write", at=self.house.clock.now())

    async def get(self, path: str, language: str = "en") -> dict[str, Any]:
        answer = await self.shop.ask("GET", path, **{"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def prospect(self, who: UUID, language: str = "en") -> dict[str, Any]:
        return await self.get(f"/v1/customers/{who}/loyalty/tier", language)

    async def grant(self, who: UUID, tier: str, until: datetime) -> Any:
        body = {"tier": tier, "until": until.isoformat(), "reason": "guest of honour"}
        return await self.shop.ask("POST", f"/v1/customers/{who}/loyalty/tier-grants", body)

    async def tier(self, who: UUID) -> str:
        return (await self.house.tier(who))[0]
