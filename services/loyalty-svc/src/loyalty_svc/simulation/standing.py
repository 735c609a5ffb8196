"""A tier plan that is simulated: every member's whole history is walked by both plans, in one snapshot, in slices."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.accounts.types import ZONE
from loyalty_svc.simulation import queries
from loyalty_svc.simulation.comparing import DRAFT, PUBLISHED, Comparison, week_of
from loyalty_svc.simulation.steps import outcome, turns
from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.settled import Member
from loyalty_svc.tiers.settling import histories
from moat.kit.db.transaction import Transaction

SLICE_MEMBERS: Final = 200
Told = Callable[[float], Awaitable[None]]
"""Told how far it is (0 to 1); raises to stop."""


class Standings:
    """What both plans come to, added up member by member."""

    def __init__(self, published: TierPlan, draft: TierPlan, since: datetime, now: datetime) -> None:
        self._plans = published, draft
        self._since, self._now = since, now
        self._weeks: dict[date, list[int]] = {}
        self.comparison = Comparison()

    async def walk(self, tx: Transaction, told: Told) -> None:
        """Everybody; nothing was done in the transaction before, and nothing is written in it."""
        await queries.look_at_once(tx)
        members, judged = await queries.how_many_members(tx), 0
        after: UUID | None = None
        while slice_ := await queries.members(tx, after=after, limit=SLICE_MEMBERS):
            began = asyncio.get_running_loop().time()
            ids = [one.customer_id for one in slice_]
            gains = [await histories(tx, plan, ids) for plan in self._plans]
            for member in slice_:
                self._take(member, [found.get(member.customer_id, []) for found in gains])
            after, judged = ids[-1], judged + len(ids)
            await told(judged / max(members, judged))
            await asyncio.sleep(asyncio.get_running_loop().time() - began)

    def _take(self, member: Member, gains: Sequence[list[tuple[datetime, int]]]) -> None:
        published, draft = self._plans
        self.comparison.take(outcome(published, draft, member, (gains[PUBLISHED], gains[DRAFT]), self._now))
        for run, plan in enumerate(self._plans):
            for turn in turns(plan, gains[run], self._since, self._now):
                row = self._weeks.setdefault(week_of(turn.at, ZONE), [0] * 4)
                row[2 * run + (not turn.is_up)] += 1

    def result(self) -> dict[str, Any]:
        """All of it as JSON. Places add up to nothing, so there are no sums."""
        published, draft = self._plans
        order = {tier.code: place for place, tier in enumerate(published.tiers)}
        found = self.comparison.result(order) | {"published": None, "draft": None}
        stands = {tier.code: 0 for tier in (*published.tiers, *draft.tiers)}
        would = dict(stands)
        for (from_tier, to_tier), members in self.comparison.moves.items():
            stands[from_tier] = stands.get(from_tier, 0) + members
            would[to_tier] += members
        tiers_ = [
            {"tier": code, "published": stands[code], "draft": would.get(code, 0)}
            for code in sorted(stands, key=lambda code: (draft.place_of(code), order.get(code, -1)))
        ]
        weeks = [
            {
                "week_of": week.isoformat(),
                "published_rises": row[0],
                "published_falls": row[1],
                "draft_rises": row[2],
                "draft_falls": row[3],
            }
            for week, row in sorted(self._weeks.items())
        ]
        return {"measure": "tiers", "counted": [], **found, "tiers": tiers_, "turns_by_week": weeks}
