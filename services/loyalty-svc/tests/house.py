"""The service as a test talks to it: facts in, states out. No state is read but by SQL or the service's own queries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from loyalty_svc.features import SERVICE
from loyalty_svc.ledger.audit import Audit, audit
from moat.kit.clock import FrozenClock
from moat.kit.db.database import Database
from moat.kit.events import Event
from moat.kit.testing import deliver, published


@dataclass
class House:
    db: Database
    clock: FrozenClock

    async def learn(self, *events: Event[Any]) -> None:
        """All of it in one batch."""
        await deliver(SERVICE, self.db, events, self.clock)

    async def learn_one_by_one(self, *events: Event[Any]) -> None:
        for event in events:
            await self.learn(event)

    async def points(self, customer_id: UUID) -> tuple[int, int, int]:
        """(available, earned, reversed) of the points account, zeros without one."""
        async with self.db.transaction() as tx:
            row = await tx.first(
                "SELECT available, earned_total, reversed_total FROM account"
                " WHERE customer_id = :id AND type = 'points'",
                id=customer_id,
            )
        return tuple(row) if row else (0, 0, 0)

    async def tier(self, customer_id: UUID) -> tuple[str, Any]:
        """(code, since)."""
        async with self.db.transaction() as tx:
            row = await tx.first("SELECT tier, since FROM membership WHERE customer_id = :id", id=customer_id)
        return tuple(row) if row else ("member", None)

    async def everything(self) -> dict[UUID, Any]:
        """What every customer came to: accounts and tier, without ids that differ from run to run."""
        async with self.db.transaction() as tx:
            rows = await tx.all(
                """SELECT a.customer_id, a.type, a.available, a.earned_total, a.reversed_total, a.last_at,
                          m.tier, m.since, m.enrolled_at
                   FROM account a LEFT JOIN membership m USING (customer_id)
                   WHERE (a.available, a.earned_total, a.reversed_total) <> (0, 0, 0) ORDER BY 1, 2"""
            )
        return {(row[0], row[1]): tuple(row[2:]) for row in rows}

    async def audit(self) -> Audit:
        async with self.db.transaction() as tx:
            return await audit(tx)

    async def said(self, *types: str) -> list[tuple[str, UUID, dict[str, Any]]]:
        """(short type, about, data) of what was announced, in order; only of these types if any are given."""
        told = [
            (one.type.removeprefix("moat.").removesuffix(".v1"), one.about, one.data)
            for one in await published(self.db)
        ]
        return [one for one in told if not types or one[0] in types]
