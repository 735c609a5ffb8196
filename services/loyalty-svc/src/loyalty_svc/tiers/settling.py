"""What every judging of members ends with, over histories, rows, timers and events; set-based for any number of them.

The accounts of the members are locked by then, or are nowhere. Moves of growth under a plan over a lifetime go a
shorter way, in `usecases`, and come here where a tier was granted, or another version of the plan had judged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.ledger import queries as ledger
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.outlook import to_keep
from loyalty_svc.tiers.settled import Member, Settled, settle
from loyalty_svc.tiers.spans import Gains
from loyalty_svc.tiers.tables import DUE
from moat.contracts.loyalty import TierDowngraded, TierDowngradeWarned, TierRetained, TierUpgraded
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.timers import clear_timers, set_timers
from moat.kit.timers.store import TimerToSet


class Why(NamedTuple):
    """Why a member is judged anew, at which instant at least.

    cause: the fact behind it, None for time, a new plan or a grant; is_due: time alone has come, so that what follows
    is told with the instant at which it fell due. enrolled_at: when he got something first, as far as this tells.
    """

    at: datetime
    cause: Event[Any] | None = None
    is_due: bool = False
    enrolled_at: datetime | None = None


async def histories(
    tx: Transaction, plan: TierPlan, customer_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[datetime, int]]]:
    """What decides about these customers: their gains or, for a plan over a lifetime, every move of the balance."""
    read = ledger.history if plan.is_for_life else queries.gains
    return await read(tx, customer_ids, plan.over)


async def settle_members(tx: Transaction, plan: TierPlan, why: Mapping[UUID, Why]) -> int:
    """Judge members by their whole history, keep and announce what came of it; how many have another tier now."""
    known = await queries.members(tx, why)
    found = await histories(tx, plan, list(why))
    settled = []
    for customer_id, reason in why.items():
        before, history = known.get(customer_id), found.get(customer_id, [])
        if before is None and not history and reason.enrolled_at is None:
            continue
        enrolled_at = reason.enrolled_at or (before.enrolled_at if before else history[0][0])
        new = Member(customer_id, enrolled_at, enrolled_at, plan.version, plan.base.code, "")
        event_id = reason.cause.id if reason.cause else before.event_id if before else ""
        settled.append(settle(plan, before, new, history, at=reason.at, event_id=event_id))
    if not settled:
        return 0
    await queries.keep(tx, [one.after for one in settled])
    await _set_timers(tx, settled)
    over = [one.after.customer_id for one in settled if _grant_is_over(one)]
    if over:
        at = max(why[customer_id].at for customer_id in over)
        await queries.end_grants(tx, over, at=at, by="moat", reason="its time is over")
    return sum(_announce(tx, plan, one, why[one.after.customer_id], found) for one in settled)


def _grant_is_over(one: Settled) -> bool:
    return one.before is not None and one.before.granted_tier is not None and one.after.granted_tier is None


async def _set_timers(tx: Transaction, settled: Sequence[Settled]) -> None:
    timers: list[TimerToSet] = [
        (str(one.after.customer_id), one.after.next_at, {}) for one in settled if one.after.next_at is not None
    ]
    await set_timers(tx, DUE, timers)
    gone = [
        str(one.after.customer_id)
        for one in settled
        if one.after.next_at is None and one.before is not None and one.before.next_at is not None
    ]
    await clear_timers(tx, DUE, gone)


def _announce(tx: Transaction, plan: TierPlan, one: Settled, why: Why, found: Mapping[UUID, Gains]) -> bool:
    """Publish what is new; whether the tier is another."""
    _, after, judged, is_retained, warns = one
    about, growth, history = after.customer_id, judged.value, found.get(after.customer_id, ())
    at = max(why.at, history[-1][0]) if history else why.at
    former = one.before.tier if one.before else plan.base.code
    if former != after.tier:
        is_up = plan.place_of(after.tier) > plan.place_of(former)
        kind = TierUpgraded if is_up else TierDowngraded
        data = kind(from_tier=former, to_tier=after.tier, growth=growth)
        tx.publish(data, about=about, time=_fell_due(one, after.since) if why.is_due else at, cause=why.cause)
    if is_retained and judged.retained_at is not None:
        kept = TierRetained(tier=after.tier, growth=growth, valid_until=judged.valid_until)
        tx.publish(kept, about=about, time=judged.retained_at if why.is_due else at, cause=why.cause)
    if warns and judged.falls_at is not None and judged.falls_to is not None and plan.fall.warn is not None:
        goal = to_keep(plan, judged, history, at)
        warned = TierDowngradeWarned(
            tier=after.tier,
            to_tier=plan.tiers[judged.falls_to].code,
            falls_at=judged.falls_at,
            missing=goal.missing,
        )
        time = judged.falls_at - plan.fall.warn if why.is_due else at
        tx.publish(warned, about=about, time=time, cause=why.cause)
    return former != after.tier


def _fell_due(one: Settled, since: datetime) -> datetime:
    """When a tier became another without a fact: as what was granted ended, or as he fell or rose."""
    until = one.before.granted_until if one.before is not None and _grant_is_over(one) else None
    return max(since, until) if until is not None else since
