"""A shop with rewards, as tests of them talk to it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from .builders import paid
from .coupon_shop import Shop
from .house import House


def a_reward(points: int, **more: Any) -> dict[str, Any]:
    names = {"zh-CN": "礼品", "en": "A reward"}
    return {"kind": "good", "names": names, "price": {"points": points}, **more}


@dataclass
class RewardShop:
    coupons: Shop

    @property
    def house(self) -> House:
        return self.coupons.house

    @property
    def staff(self) -> dict[str, str]:
        return self.coupons.staff

    @staff.setter
    def staff(self, headers: dict[str, str]) -> None:
        self.coupons.staff = headers

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.coupons.ask(method, path, body, **headers)

    async def fire(self, kind: str) -> int:
        return await self.coupons.fire(kind)

    async def publish(self, code: str, document: dict[str, Any], **more: Any) -> None:
        await self.coupons.publish(code, document, path="/v1/loyalty/rewards", **more)

    async def member(self, points: int) -> UUID:
        """A member with so many points."""
        id_ = await self.coupons.member()
        if points:
            await self.house.learn(paid(id_, points * 100, day=99))
        return id_

    async def redeem(self, who: UUID, reward: str, **more: Any) -> httpx.Response:
        return await self.ask("POST", f"/v1/customers/{who}/loyalty/redemptions", {"reward": reward, **more})

    async def insist(self, who: UUID, reward: str, **more: Any) -> httpx.Response:
        """Redeem as a shop's program does: who is told to come again later does, with the same key."""
        key = {"Idempotency-Key": f"{who}-{reward}"}
        path, body = f"/v1/customers/{who}/loyalty/redemptions", {"reward": reward, **more}
        for _ in range(100):
            answer = await self.ask("POST", path, body, **key)
            if answer.status_code != 503:
                break
            assert int(answer.headers["Retry-After"]) > 0
        return answer

    async def act(self, who: UUID, redemption: str, action: str, body: Any = None) -> httpx.Response:
        body = body if body is not None else ({"reason": "broken"} if action == "refund" else {})
        return await self.ask("POST", f"/v1/customers/{who}/loyalty/redemptions/{redemption}/{action}", body)

    async def balance(self, who: UUID) -> tuple[int, int]:
        """(available, reserved) points."""
        async with self.house.db.transaction() as tx:
            row = await tx.first(
                "SELECT available, reserved FROM account WHERE customer_id = :id AND type = 'points'", id=who
            )
        return (row.available, row.reserved) if row else (0, 0)

    async def gone(self, reward: str) -> int:
        """Pieces that are gone from the shelf."""
        async with self.house.db.transaction() as tx:
            return await tx.scalar("SELECT taken FROM reward_shelf WHERE reward = :reward", reward=reward) or 0

    async def served_only(
        self, pieces: int, reward: str, members: Sequence[UUID], answers: Sequence[httpx.Response]
    ) -> None:
        """So many of the members got a piece for all their points; the others were told why not and kept theirs."""
        got = {who for who, answer in zip(members, answers, strict=True) if answer.status_code == 201}
        assert len(got) == pieces
        refused = Counter(answer.json()["code"] for answer in answers if answer.status_code != 201)
        assert refused == {"rewards.not-available": len(members) - pieces}
        assert {who for who in members if (await self.balance(who))[0] == 0} == got
        assert await self.gone(reward) == pieces
        assert (await self.house.audit()).violations == []
