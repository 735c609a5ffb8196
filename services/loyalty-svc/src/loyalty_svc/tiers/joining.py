"""The use cases of members who become one, or two again; what they hold was moved by then."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from loyalty_svc.ledger import queries as ledger
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import Move, Standing, TierPlan, follow
from loyalty_svc.tiers.settled import Member
from loyalty_svc.tiers.settling import Why, histories, settle_members
from loyalty_svc.tiers.tables import DUE
from loyalty_svc.tiers.usecases import Decided, announce, ask_history
from moat.customers import Parting
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.timers import clear_timers


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]]) -> None:
    """Judge the survivors of merges anew: growth and history of the merged customers are theirs now."""
    merges = [event for event in merges if event.data.from_id != event.about]
    survivors = {event.about: event for event in merges}
    gone = {event.data.from_id: event.about for event in merges}
    plan = await queries.plan(tx)
    standings = await queries.standings(tx, {*survivors, *gone})
    if plan.is_for_life and all(standing.follows_alone(plan) for standing in standings.values()):
        await _follow_merges_alone(tx, plan, survivors, gone, standings)
    else:
        await _settle_merges(tx, plan, survivors, gone)
    await queries.remove(tx, gone)


async def _follow_merges_alone(
    tx: Transaction,
    plan: TierPlan,
    survivors: Mapping[UUID, Event[Any]],
    gone: Mapping[UUID, UUID],
    standings: Mapping[UUID, Standing],
) -> None:
    accounts = await ledger.held(tx, survivors)
    decided: Decided = {}
    for customer_id, event in survivors.items():
        former = [
            standings[from_id] for from_id, to_id in gone.items() if to_id == customer_id and from_id in standings
        ]
        own = standings.get(customer_id)
        growth = accounts.get((customer_id, plan.over))
        if growth is None or not (former or own):
            continue
        before = own or former[0]
        enrolled_at = min(standing.enrolled_at for standing in (before, *former))
        followed = follow(
            plan,
            Standing(before.tier, before.since, enrolled_at),
            [Move(event.time, growth.available)],
            last_at=growth.last_at,
            has_only_risen=False,
        )
        decided[customer_id] = (Standing(followed.standing.tier, followed.standing.since, enrolled_at), event.id)
        for change in followed.changes:
            announce(tx, customer_id, change, event)
    await ask_history(tx, plan, list(decided), decided)
    if decided:
        await queries.save(tx, plan, decided)


async def _settle_merges(
    tx: Transaction, plan: TierPlan, survivors: Mapping[UUID, Event[Any]], gone: Mapping[UUID, UUID]
) -> None:
    """The survivor brings the better of what was granted to either along, and is judged by what both earned."""
    rows = await queries.members(tx, sorted({*survivors, *gone}))
    for from_id, to_id in gone.items():
        former, own = rows.get(from_id), rows.get(to_id)
        if former is not None:
            rows[to_id] = await _join(tx, plan, former, own, to_id)
    own_rows = [row for id_, row in sorted(rows.items()) if id_ in survivors]
    if own_rows:
        await queries.keep(tx, own_rows)
    await clear_timers(tx, DUE, [str(from_id) for from_id in gone])
    await settle_members(tx, plan, {id_: Why(event.time, event) for id_, event in survivors.items()})


async def _join(tx: Transaction, plan: TierPlan, former: Member, own: Member | None, to_id: UUID) -> Member:
    if own is None:
        await queries.move_grants(tx, former.customer_id, to_id)
        return former._replace(customer_id=to_id, next_at=None)
    better, other = own, former
    if _worth(plan, former) > _worth(plan, own):
        better, other = former, own
    judged_at = max((one.judged_at for one in (own, former) if one.judged_at is not None), default=None)
    if other.granted_at is not None:
        at = max(other.granted_at, judged_at or other.granted_at)
        await queries.end_grants(tx, [other.customer_id], at=at, by="moat", reason="customer.merged")
    await queries.move_grants(tx, former.customer_id, to_id)
    return own._replace(
        enrolled_at=min(own.enrolled_at, former.enrolled_at),
        granted_tier=better.granted_tier,
        granted_at=better.granted_at,
        granted_until=better.granted_until,
        judged_at=judged_at,
    )


def _worth(plan: TierPlan, one: Member) -> tuple[int, float]:
    return plan.place_of(one.granted_tier), one.granted_until.timestamp() if one.granted_until else 0


async def follow_splits(tx: Transaction, splits: Sequence[Parting]) -> None:
    """Judge both whom a split parts anew, each by his own history; what was granted stays with the survivor."""
    plan = await queries.plan(tx)
    why = {id_: Why(one.event.time, one.event) for one in splits for id_ in (one.survivor_id, one.customer_id)}
    rows = await queries.members(tx, sorted(why))
    found = await histories(tx, plan, list(rows))
    begun = [row._replace(enrolled_at=found[id_][0][0]) for id_, row in sorted(rows.items()) if found.get(id_)]
    if begun:
        await queries.keep(tx, begun)
    await settle_members(tx, plan, why)
    # Who got nothing himself is no member until he does.
    over = [id_ for id_, row in rows.items() if not found.get(id_) and row.granted_tier is None]
    await queries.remove(tx, over)
    await clear_timers(tx, DUE, [str(id_) for id_ in over])
