"""What milestones do inside the transaction they are given. The customers are locked, or in a consumed batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.coupons.announcing import Issued, Wish
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, zone_at
from loyalty_svc.ledger import queries as ledger_queries
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift, TakeBack
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.milestones import queries
from loyalty_svc.milestones.plans import (
    MILESTONES,
    CouponGift,
    Plan,
    PointsGift,
    Reached,
    asks_for_orders,
    reached_by_occasion,
    reached_by_orders,
)
from loyalty_svc.milestones.queries import Attained, Key
from loyalty_svc.tiers import queries as tiers
from loyalty_svc.tiers import usecases as tiers_usecases
from moat.contracts.loyalty import MilestoneReached
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, WrongDocument, versions, versions_of_two
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest

REASON: Final = "milestone.reached"
WITHDRAWN: Final = "milestone.withdrawn"

Candidate = tuple[Reached, Event[Any], Mapping[str, Any]]
"""What was reached, by which event, and what its condition may ask beside the member."""


async def celebrate(tx: Transaction, occasions: Sequence[Event[Any]], *, now: datetime) -> None:
    """Give what plans give on days that were announced; each once in a year, or once for ever."""
    plans = await versions(tx, MILESTONES)
    candidates: list[Candidate] = []
    for event in occasions:
        day, noticed_at = event.data, event.recorded_at or event.time
        reached = reached_by_occasion(
            plans, day.kind, day.days_ahead, year=day.year, at=event.time, noticed_at=noticed_at
        )
        candidates += [(what, event, {"years": day.years}) for what in reached]
    await _give(tx, candidates, now)


async def follow_orders(tx: Transaction, facts: Sequence[Event[Any]], *, now: datetime) -> None:
    """Give what orders have reached by now, and take back what they reach no more.

    What stands follows from the orders as they are, so payments, refunds and merges in any order end in the same.
    """
    plans, programmes = await versions_of_two(tx, MILESTONES, PROGRAMMES)
    if not asks_for_orders(plans):
        return
    zones = partial(zone_at, programmes.get(PROGRAMME, ()))
    last = {event.about: event for event in facts}
    known = await queries.orders(tx, last)
    standing = await queries.standing(tx, last)
    candidates: list[Candidate] = []
    gone: list[Key] = []
    for customer_id, event in sorted(last.items()):
        reached = reached_by_orders(plans, known.get(customer_id, ()), zones)
        stands = standing.get(customer_id, set())
        gone += [(customer_id, *one) for one in sorted(stands - reached.keys())]
        candidates += [(what, event, {}) for key, what in sorted(reached.items()) if key not in stands]
    if gone:
        await _withdraw(tx, gone, last, now)
    await _give(tx, candidates, now)


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """What either had reached the survivor has; and two customers' orders may reach what neither's did."""
    merges = [event for event in merges if event.data.from_id != event.about]
    for event in merges:
        await queries.move(tx, event.data.from_id, event.about)
    if merges:
        await follow_orders(tx, merges, now=now)


async def _give(tx: Transaction, candidates: Sequence[Candidate], now: datetime) -> None:
    fitting = await _fitting(tx, candidates, now)
    if not fitting:
        return
    attained = [Attained(event.about, uuid7(), what, event.id) for what, event in fitting]
    causes = {one.gift_id: event for one, (_, event) in zip(attained, fitting, strict=True)}
    granted = await queries.reach(tx, attained)
    attained = [one for one in attained if one.gift_id in granted]
    told = await _give_points(tx, attained, causes, now) | await _give_coupons(tx, attained, causes, now)
    for one in attained:
        if one.gift_id in told:
            tx.publish(told[one.gift_id], about=one.customer_id, time=one.what.at, cause=causes[one.gift_id])


async def _give_points(
    tx: Transaction, attained: Sequence[Attained], causes: Mapping[UUID, Event[Any]], now: datetime
) -> dict[UUID, MilestoneReached]:
    gifts = [
        Gift(
            customer_id=one.customer_id,
            account_type=one.what.plan.gift.account_type,
            points=one.what.plan.gift.points,
            at=one.what.at,
            reason=REASON,
            rule=one.what.plan.rule,
            cause=Cause(one.gift_id, one.what.plan.code, one.event_id),
        )
        for one in attained
        if isinstance(one.what.plan.gift, PointsGift)
    ]
    if not gifts:
        return {}
    posted = {one.posting.cause.id: one for one in await ledger.give(tx, gifts, now=now, events=causes.values())}
    await tiers_usecases.follow_growth(tx, list(posted.values()), [causes[gift_id] for gift_id in posted])
    given = {gift.cause.id: gift for gift in gifts}
    return {
        one.gift_id: _told(
            one,
            account_type=given[one.gift_id].account_type,
            points=given[one.gift_id].points,
            posting_id=posted[one.gift_id].id,
        )
        for one in attained
        if one.gift_id in posted
    }


async def _give_coupons(
    tx: Transaction, attained: Sequence[Attained], causes: Mapping[UUID, Event[Any]], now: datetime
) -> dict[UUID, MilestoneReached]:
    """A coupon that is over gives nothing, which it announces itself; the milestone may be reached again then."""
    wanted = [(one, one.what.plan.gift.coupon) for one in attained if isinstance(one.what.plan.gift, CouponGift)]
    if not wanted:
        return {}
    wishes = [
        Wish(one.customer_id, coupon, f"milestone {one.gift_id}", one.what.at, causes[one.gift_id])
        for one, coupon in wanted
    ]
    issued: dict[UUID, UUID] = {}
    for (one, _), outcome in zip(wanted, await coupons.issue(tx, wishes, at=now), strict=True):
        if isinstance(outcome, Issued):
            issued[one.gift_id] = outcome.code_id
    if issued:
        await queries.note_codes(tx, issued)
    if refused := [one.gift_id for one, _ in wanted if one.gift_id not in issued]:
        await queries.forget(tx, refused)
    return {one.gift_id: _told(one, coupon=coupon) for one, coupon in wanted if one.gift_id in issued}


def _told(one: Attained, **gift: Any) -> MilestoneReached:
    plan = one.what.plan
    kind = getattr(plan.trigger, "occasion", plan.trigger.kind)
    return MilestoneReached(milestone=plan.code, rule=plan.rule, kind=kind, period=one.what.period, **gift)


async def _fitting(tx: Transaction, candidates: Sequence[Candidate], now: datetime) -> list[tuple[Reached, Event[Any]]]:
    """Those whose condition holds for the member as he stands now; each (customer, plan, period) once."""
    asked = {event.about for what, event, _ in candidates if what.plan.condition is not None}
    rows = await _members(tx, asked, now) if asked else {}
    found: dict[Key, tuple[Reached, Event[Any]]] = {}
    for what, event, more in candidates:
        condition = what.plan.condition
        if condition is None or condition.matches({**rows[event.about], **more}, now=now):
            found.setdefault((event.about, what.plan.code, what.period), (what, event))
    return list(found.values())


async def _members(tx: Transaction, customer_ids: set[UUID], now: datetime) -> dict[UUID, dict[str, Any]]:
    plan = await tiers.plan(tx)
    standings = await tiers.standings(tx, customer_ids)
    held = await ledger_queries.held(tx, customer_ids)
    rows = {}
    for id_ in customer_ids:
        growth, points = held.get((id_, GROWTH)), held.get((id_, POINTS))
        rows[id_] = {
            "tier": standings[id_].tier_at(now) if id_ in standings else plan.base.code,
            "growth": growth.available if growth else 0,
            "points": points.available if points else 0,
        }
    return rows


async def _withdraw(tx: Transaction, gone: Sequence[Key], causes: Mapping[UUID, Event[Any]], now: datetime) -> None:
    rows = await queries.withdraw(tx, gone, now)
    takes = [
        TakeBack(causes[row.customer_id].time, WITHDRAWN, Cause(row.gift_id, row.plan, causes[row.customer_id].id))
        for row in rows
        if row.code_id is None
    ]
    if takes:
        posted = await ledger.take_back(tx, takes, now=now, events=causes.values())
        behind = {row.gift_id: causes[row.customer_id] for row in rows}
        await tiers_usecases.follow_growth(tx, posted, [behind[one.posting.cause.id] for one in posted])
    # Seldom more than a few: what a refund undoes, of plans that count orders and give a coupon.
    used = {
        (row.customer_id, row.plan, row.period)
        for row in rows
        if row.code_id is not None and not await coupons.take_away(tx, row.code_id, at=now)
    }
    if used:
        await queries.stand(tx, used)


async def check_publishable(tx: Transaction, version: Published[Plan], now: datetime) -> None:
    """Raises WrongDocument for a gift of an account type or a coupon that does not exist."""
    gift = version.value.gift
    if isinstance(gift, CouponGift):
        await coupons.published_coupon(tx, gift.coupon, at=now, pointer="/gift/coupon")
    else:
        known = (await account_types(tx)).offered()
        if gift.account_type not in known:
            detail = f"no account type has this code{nearest(gift.account_type, known)}"
            raise WrongDocument(errors=[FieldError("/gift/account_type", detail)])
