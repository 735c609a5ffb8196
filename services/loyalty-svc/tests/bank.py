"""The ledger as other features use it: gifts, spending, holds, time; each in a transaction of its own."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from loyalty_svc.expiry import usecases as expiry
from loyalty_svc.expiry.timers import timers as expiry_timers
from loyalty_svc.features import SERVICE
from loyalty_svc.holds import usecases as holds
from loyalty_svc.holds.holding import Hold
from loyalty_svc.holds.timers import timers as holds_timers
from loyalty_svc.ledger import spending
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.audit import audit
from loyalty_svc.ledger.giving import Gift, TakeBack
from loyalty_svc.ledger.posting import Cause
from moat.customers.follow import lock_customer
from moat.kit.ids import uuid7
from moat.kit.timers.runner import fire

from .house import House


def a_cause() -> Cause:
    id_ = uuid7()
    return Cause(id_, "test", str(id_))


@dataclass
class Bank:
    house: House
    given: dict[UUID, Cause] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    async def give(self, who: UUID, points: int, *, ago: float = 0, type: str = "points", **more: Any) -> Cause:
        cause = a_cause()
        gift = Gift(who, type, points, self.now - timedelta(days=ago), "test.given", None, cause, **more)
        async with self.house.db.transaction() as tx:
            await ledger.give(tx, [gift], now=self.now)
        return cause

    async def take_back(self, cause: Cause) -> None:
        async with self.house.db.transaction() as tx:
            await ledger.take_back(tx, [TakeBack(self.now, "test.over", cause)], now=self.now)

    async def spend(self, who: UUID, points: int, type: str = "points") -> None:
        async with self.house.db.transaction() as tx:
            who = await lock_customer(tx, who)
            await spending.spend(tx, who, type, points, reason="test.spent", cause=a_cause(), now=self.now)

    async def hold(self, who: UUID, points: int, *, minutes: float = 15) -> Hold:
        async with self.house.db.transaction() as tx:
            who = await lock_customer(tx, who)
            until = self.now + timedelta(minutes=minutes)
            return await holds.hold(
                tx, who, "points", points, until=until, cause=a_cause(), reason="test", now=self.now
            )

    async def confirm(self, hold: Hold, points: int | None = None) -> Hold:
        async with self.house.db.transaction() as tx:
            await lock_customer(tx, hold.customer_id)
            return await holds.confirm(tx, hold.id, points, now=self.now)

    async def release(self, hold: Hold) -> Hold:
        async with self.house.db.transaction() as tx:
            await lock_customer(tx, hold.customer_id)
            return await holds.release(tx, hold.id, now=self.now)

    async def pass_time(self, **passed: float) -> None:
        """Move the clock and let all timers of the ledger fire."""
        self.house.clock.advance(timedelta(**passed))
        await self.ring()

    async def ring(self) -> None:
        for kind in [*holds_timers.kinds, *expiry_timers.kinds]:
            while await fire(SERVICE, kind, self.house.db, self.house.clock):
                pass

    async def sweep(self) -> None:
        async with self.house.db.transaction() as tx:
            await expiry.sweep(tx, now=self.now)

    async def holds_of(self, who: UUID, type: str = "points") -> tuple[int, int, int]:
        """(available, pending, reserved)."""
        async with self.house.db.transaction() as tx:
            row = await tx.first(
                "SELECT available, pending, reserved FROM account WHERE customer_id = :id AND type = :type",
                id=who,
                type=type,
            )
        return tuple(row) if row else (0, 0, 0)

    async def lots_of(self, who: UUID) -> list[int]:
        """What is left in each open lot, the one that expires first at the head."""
        async with self.house.db.transaction() as tx:
            rows = await tx.all(
                "SELECT remaining FROM lot WHERE customer_id = :id AND remaining > 0"
                " ORDER BY expires_at NULLS LAST, earned_at, posting_id",
                id=who,
            )
        return [row[0] for row in rows]

    async def violations(self) -> list[Any]:
        async with self.house.db.transaction() as tx:
            return list((await audit(tx, now=self.now)).violations)

    async def violations_but_overdue(self) -> list[Any]:
        """Without those of holds whose timer was not let ring."""
        async with self.house.db.transaction() as tx:
            return list((await audit(tx)).violations)

    async def usable(self, who: UUID) -> tuple[int, int]:
        """(what could be spent if somebody swept now, reserved)."""
        async with self.house.db.transaction() as tx:
            row = await tx.first(
                """SELECT available - greatest(0, (SELECT coalesce(sum(remaining), 0) FROM lot
                     WHERE customer_id = :id AND account_type = 'points' AND expires_at <= :now) - reserved)::bigint,
                     reserved FROM account WHERE customer_id = :id AND type = 'points'""",
                id=who,
                now=self.now,
            )
        return tuple(row) if row else (0, 0)

    async def live_lots(self, who: UUID) -> list[int]:
        """What is left in the lots that have not expired, ascending."""
        async with self.house.db.transaction() as tx:
            rows = await tx.all(
                "SELECT remaining FROM lot WHERE customer_id = :id AND remaining > 0 AND expires_at > :now ORDER BY 1",
                id=who,
                now=self.now,
            )
        return [row[0] for row in rows]
