"""A shop with coupons, as tests of them talk to it: over HTTP, as staff."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for
from moat.kit.timers.runner import fire

from .builders import a_customer
from .house import House

NAMES = {"zh-CN": "优惠券", "en": "A coupon"}


def amount_off(minor: int = 1000, **more: Any) -> dict[str, Any]:
    benefit = {"kind": "amount_off", "currency": "CNY", "amount_minor": minor}
    return {"names": NAMES, "benefit": benefit, **more}


def basket(*amounts: int, currency: str = "CNY", shipping: int = 0) -> dict[str, Any]:
    lines = [{"amount_minor": amount, "category": "music"} for amount in amounts]
    return {"currency": currency, "lines": lines, "shipping_minor": shipping}


@dataclass
class Shop:
    house: House
    staff: dict[str, str] = field(default_factory=lambda: staff("loyalty:read", "loyalty:write"))

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async with client_for(SERVICE, self.house.db, self.house.clock) as http:
            return await http.request(method, path, json=body, headers=self.staff | headers)

    async def post(self, path: str, body: Any, *, status: int = 200, **headers: str) -> dict[str, Any]:
        answer = await self.ask("POST", path, body, **headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def publish(
        self, code: str, document: dict[str, Any], *, path: str = "/v1/loyalty/coupons", **more: Any
    ) -> None:
        draft = await self.ask("POST", path, {"code": code, "document": document})
        assert draft.status_code == 201, draft.text
        answer = await self.ask("POST", f"{path}/{code}/publish", more, **{"If-Match": draft.headers["ETag"]})
        assert answer.status_code == 200, answer.text

    async def member(self) -> UUID:
        id_ = uuid7()
        await self.house.learn(a_customer(id_))
        return id_

    async def public_code(self, code: str, document: dict[str, Any], coupon: str = "party") -> str:
        await self.publish(coupon, document)
        body = {"coupon": coupon, "kind": "public", "name": "a party", "code": code}
        await self.post("/v1/loyalty/coupon-pools", body, status=201)
        return code

    async def validate(self, who: UUID, *codes: str, of: Any = None) -> list[dict[str, Any]]:
        path = f"/v1/customers/{who}/loyalty/coupons/validate"
        answer = await self.post(path, {"codes": codes, "basket": of or basket(10_000)}, **{"Accept-Language": "en"})
        return list(answer["codes"])

    async def reserve(self, who: UUID, *codes: str, of: Any = None, **more: Any) -> httpx.Response:
        body = {"codes": codes, "basket": of or basket(10_000), **more}
        return await self.ask("POST", f"/v1/customers/{who}/loyalty/coupon-uses", body)

    async def reserved(self, who: UUID, *codes: str, **more: Any) -> str:
        answer = await self.reserve(who, *codes, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def act(self, who: UUID, checkout: str, action: str, body: Any = None) -> httpx.Response:
        body = body if body is not None else ({"reason": "returned"} if action == "roll-back" else {})
        return await self.ask("POST", f"/v1/customers/{who}/loyalty/coupon-uses/{checkout}/{action}", body)

    async def fire(self, kind: str) -> int:
        kinds = [one for feature in SERVICE.features if feature.timers for one in feature.timers.kinds]
        return await fire(SERVICE, next(one for one in kinds if one.kind == kind), self.house.db, self.house.clock)


def reasons(judged: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in judged["reasons"]]
