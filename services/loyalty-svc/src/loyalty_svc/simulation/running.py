"""Running one simulation from its beginning to its end, beside everything else that a worker does.

Nothing but the simulation's own rows is written: how far it is while it runs, in transactions of their own, and all of
its result in one. A worker that dies leaves a lease that runs out; then another begins it anew.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import structlog

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.earning import usecases as earning
from loyalty_svc.simulation import queries, usecases
from loyalty_svc.simulation.awarding import Awarding
from loyalty_svc.simulation.comparing import Comparison, Outcome, Tally, account
from loyalty_svc.simulation.completing import COMPLETIONS, COUPONS, Completing
from loyalty_svc.simulation.drafts import compiled
from loyalty_svc.simulation.facts import Facts
from loyalty_svc.simulation.queries import Claim
from loyalty_svc.simulation.standing import Standings
from loyalty_svc.tasks import usecases as tasks
from loyalty_svc.tiers import queries as tiers
from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.documents import Ref, published
from moat.kit.feature import Service
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.log import Log
from moat.kit.problems import Problem

SLICE_CUSTOMERS: Final = 500
RELEASE_SECONDS_MAX: Final = 2.0
JUDGED_SHARE: Final = 0.95
"""Of the way, when all facts are read."""
logger = structlog.get_logger(__name__)


class Found(NamedTuple):
    """The result as JSON, and the customers that are kept."""

    result: dict[str, Any]
    kept: Sequence[Outcome]


class Stopped(Exception):
    """It was cancelled, or is another worker's by now."""


@dataclass(slots=True)
class Runner:
    """What a simulation needs of its worker."""

    service: Service
    db: Database
    log: Log
    clock: Clock

    async def run_next(self) -> bool:
        """Run the next simulation that waits; whether there was one."""
        async with self.db.transaction() as tx:
            claim = await usecases.take_up(tx, now=self.clock.now())
        if claim is None:
            return False
        try:
            result, kept = await self._run(claim)
            async with self.db.transaction() as tx:
                await usecases.end(tx, claim, result, kept, now=self.clock.now())
        except Stopped:
            logger.info("simulation.stopped", simulation=str(claim.id))
        except asyncio.CancelledError:
            # The worker stops in order: another need not wait for the lease.
            with suppress(Exception):
                async with asyncio.timeout(RELEASE_SECONDS_MAX), self.db.transaction() as tx:
                    await queries.release(tx, claim)
            raise
        except Exception as error:
            await self._fail(claim, error)
        return True

    async def _fail(self, claim: Claim, error: Exception) -> None:
        """Weather lets it wait for the next try; anything else ends it."""
        logger.warning("simulation.failed", simulation=str(claim.id), error=type(error).__name__)
        is_weather = failure_of(error) is Failure.TRANSIENT
        async with self.db.transaction() as tx:
            if is_weather:
                await queries.release(tx, claim)
            else:
                code = error.code if isinstance(error, Problem) else "internal"
                await queries.end(tx, claim, "failed", at=self.clock.now(), failure=code)
        if is_weather:
            raise error

    async def _run(self, claim: Claim) -> Found:
        run = {"earning_rule": self._rule, "tier_plan": self._plan, "task": self._task}[claim.kind]
        return await run(claim)

    async def _rule(self, claim: Claim) -> Found:
        async with self.db.transaction() as tx:
            await queries.look_at_once(tx)
            book, plan = await earning.book_of(tx), await tiers.plan(tx)
        draft = compiled(claim.kind, claim.code, claim.version, claim.document)
        awarding = Awarding.over(book, draft, plan, claim.since)
        facts = self._facts(claim, awarding.asks())
        async with aclosing(facts.slices(self._go_on(claim).facts)) as slices:
            async for events in slices:
                async with self.db.transaction() as tx:
                    await awarding.take(tx, events)
        compared = await self._compare(claim, facts, awarding.tally)
        return Found(compared.result | {"measure": "points", "held": awarding.held()}, compared.kept)

    async def _task(self, claim: Claim) -> Found:
        async with self.db.transaction() as tx:
            await queries.look_at_once(tx)
            versions, programmes = await tasks.documents(tx)
        ref = Ref(claim.kind, claim.code, claim.version)
        draft = compiled(claim.kind, claim.code, claim.version, claim.document)
        completing = Completing.over(ref, draft, versions.get(claim.code, ()), programmes)
        facts = self._facts(claim, completing.asks())
        async with aclosing(facts.slices(self._go_on(claim).facts)) as slices:
            async for events in slices:
                completing.take(events)
        # So that others of this process go on while all facts are judged.
        tally, measure = await asyncio.to_thread(completing.judged)
        compared = await self._compare(claim, facts, tally, only=COMPLETIONS if measure == "completions" else None)
        more = {"completions": tally.pair(COMPLETIONS), "coupons": tally.pair(COUPONS)}
        return Found(compared.result | {"measure": measure, **more}, compared.kept)

    async def _plan(self, claim: Claim) -> Found:
        draft = compiled(claim.kind, claim.code, claim.version, claim.document)
        async with self.db.transaction() as tx:
            in_force = await tiers.plan(tx)
        standings = Standings(in_force, draft, claim.since, self.clock.now())
        async with self.db.transaction() as tx:
            await standings.walk(tx, self._go_on(claim).members)
        return Found(standings.result(), standings.comparison.kept())

    def _facts(self, claim: Claim, types: set[str]) -> Facts:
        return Facts(self.service, self.db, self.log, claim.since, types)

    def _go_on(self, claim: Claim) -> "_GoOn":
        return _GoOn(self.db, claim)

    async def _compare(self, claim: Claim, facts: Facts, tally: Tally, *, only: str | None = None) -> Found:
        """Everybody's outcome, with his tier today. only: what alone makes somebody better off."""
        async with self.db.transaction() as tx:
            types = {code: one.value for code, one in (await published(tx, ACCOUNT_TYPES)).items()}
            plan = await tiers.plan(tx)
        given = sorted(name for name in tally.names if name in types)
        # What can be spent is what somebody has of it; only where nothing of it was given does the rest count.
        counted = [only] if only else [name for name in given if types[name].is_spendable] or given
        comparison, ids = Comparison(), list(tally.customers)
        for first in range(0, len(ids), SLICE_CUSTOMERS):
            slice_ = ids[first : first + SLICE_CUSTOMERS]
            async with self.db.transaction() as tx:
                standings = await tiers.standings(tx, slice_)
            for id_ in slice_:
                tier = standings[id_].tier if id_ in standings else plan.base.code
                comparison.take(Outcome(id_, *tally.of(tally.customers[id_], counted), tier))
            if first % (10 * SLICE_CUSTOMERS) == 0:
                await self._go_on(claim).facts(1, facts.read, facts.skipped)
        result = comparison.result({tier.code: place for place, tier in enumerate(plan.tiers)}) | {
            "counted": [] if only else counted,
            "accounts": [account(name, tally.total(name), types[name].unit_cost) for name in given],
            "by_week": tally.by_week(counted),
        }
        return Found(result, comparison.kept())


@dataclass(frozen=True, slots=True)
class _GoOn:
    """Says how far a simulation is, and stops it where it is no more this worker's."""

    db: Database
    claim: Claim

    async def facts(self, share: float, read: int, skipped: int) -> None:
        await self._say(share * JUDGED_SHARE, read, skipped)

    async def members(self, share: float) -> None:
        await self._say(share * JUDGED_SHARE, 0, 0)

    async def _say(self, share: float, read: int, skipped: int) -> None:
        async with self.db.transaction() as tx:
            if not await queries.go_on(tx, self.claim, progress=int(100 * share), read=read, skipped=skipped):
                raise Stopped
