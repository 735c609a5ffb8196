"""What tiers do inside the transaction they are given. The accounts of the members are locked by then."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import ACCOUNT_TYPES as ACCOUNT_TYPE_DOCUMENTS
from loyalty_svc.ledger import queries as ledger
from loyalty_svc.ledger.posting import Balance, Touched
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.ledger.usecases import Posted
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import Change, Move, Standing, TierPlan, follow, since
from loyalty_svc.tiers.outlook import Outlook, look_ahead
from loyalty_svc.tiers.settled import Member, settle
from loyalty_svc.tiers.settling import Why, histories, settle_members
from loyalty_svc.tiers.tables import DUE
from loyalty_svc.tiers.walking import Judged, Values
from moat.contracts.loyalty import TierDowngraded, TierUpgraded
from moat.customers import Parting
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published
from moat.kit.events import Event
from moat.kit.timers import clear_timers

Decided = dict[UUID, tuple[Standing, str]]
"""Where members stand, each with the event that decided it."""


class _Growth(NamedTuple):
    """What a run of postings did to one member's growth, move by move."""

    account: Touched
    moves: list[Move]
    causes: list[Event[Any]]

    def why(self) -> Why:
        """For judging him by his whole history."""
        at = self.account.last_at
        if self.account.before_at is not None:
            at = max(at, self.account.before_at)
        return Why(at, self.causes[-1], enrolled_at=min(move.at for move in self.moves))


@dataclass(frozen=True, slots=True)
class Membership:
    """What a customer has and where he stands; `standing` is None before his first posting.

    value: what the plan counts now; 0 where nobody asked.
    """

    accounts: dict[str, Balance]
    plan: TierPlan
    standing: Standing | None
    value: int = 0


async def membership(tx: Transaction, customer_id: UUID, *, now: datetime | None = None) -> Membership:
    """A known customer's membership, zeros where nothing was posted yet; with `now` also what the plan counts then."""
    return (await memberships(tx, [customer_id], now=now))[customer_id]


async def memberships(
    tx: Transaction, customer_ids: Collection[UUID], *, now: datetime | None = None
) -> dict[UUID, Membership]:
    """The same of many customers."""
    accounts: dict[UUID, dict[str, Balance]] = {id_: {} for id_ in customer_ids}
    for (id_, type_), balance in (await ledger.held(tx, accounts)).items():
        accounts[id_][type_] = balance
    plan = await queries.plan(tx)
    standings = await queries.standings(tx, accounts)
    values = {id_: own[plan.over].available if plan.over in own else 0 for id_, own in accounts.items()}
    if not plan.is_for_life:
        gains = await queries.gains(tx, list(accounts), plan.over) if now else {}
        values = {id_: Values(plan, gains.get(id_, [])).at(now) if now else 0 for id_ in accounts}
    return {id_: Membership(own, plan, standings.get(id_), values[id_]) for id_, own in accounts.items()}


@dataclass(frozen=True, slots=True)
class Prospect:
    """Where a customer stands now, and what is missing; `member` is None before he got anything."""

    plan: TierPlan
    member: Member | None
    tier: str
    judged: Judged
    outlook: Outlook
    units: Mapping[str, str]


async def prospect(tx: Transaction, customer_id: UUID, *, now: datetime) -> Prospect:
    """Where a customer stands at this instant, even if his timer is late, and what comes next."""
    plan = await queries.plan(tx)
    before = await queries.member(tx, customer_id)
    history = (await histories(tx, plan, [customer_id])).get(customer_id, [])
    new = Member(customer_id, now, now, plan.version, plan.base.code, "")
    _, after, judged, _, _ = settle(plan, before, new, history, at=now, event_id="")
    units = (await published(tx, ACCOUNT_TYPE_DOCUMENTS))[plan.over].value.units
    outlook = look_ahead(plan, after.tier, judged, history, now)
    return Prospect(plan, after if before else None, after.tier, judged, outlook, units)


async def follow_growth(tx: Transaction, run: Sequence[Posted], causes: Sequence[Event[Any]]) -> None:
    """Move tiers after a run of postings; `causes` are the events behind them, in their order."""
    if not run:
        return
    plan = await queries.plan(tx)
    grown = _by_member(run, causes, plan.over)
    if not grown:
        return
    if not plan.is_for_life:
        await settle_members(tx, plan, {customer_id: growth.why() for customer_id, growth in grown.items()})
        return
    standings = await queries.standings(tx, grown)
    others = {id_ for id_, standing in standings.items() if not standing.follows_alone(plan)}
    alone = {id_: growth for id_, growth in grown.items() if id_ not in others} if others else grown
    others |= await _follow_alone(tx, plan, alone, standings)
    if others:
        await settle_members(tx, plan, {id_: grown[id_].why() for id_ in sorted(others)})


async def _follow_alone(
    tx: Transaction, plan: TierPlan, grown: Mapping[UUID, _Growth], standings: Mapping[UUID, Standing]
) -> set[UUID]:
    """Follow the moves one by one; returns those who have to be judged by their whole history after all."""
    decided: Decided = {}
    unsure: list[UUID] = []
    told: list[tuple[UUID, Change]] = []
    for customer_id, growth in grown.items():
        account = growth.account
        before = standings.get(customer_id)
        standing, changes, is_since_exact = follow(
            plan,
            before and before.copy(),
            growth.moves,
            last_at=account.before_at,
            has_only_risen=account.reversed_total == 0,
        )
        if not is_since_exact:
            unsure.append(customer_id)
        if standing != before or not is_since_exact:
            decided[customer_id] = (standing, growth.causes[-1].id)
        told += [(customer_id, change) for change in changes]
    await _ask_history(tx, plan, unsure, decided)
    if decided and not await queries.save(tx, plan, decided):
        again = await queries.standings(tx, decided)
        granted = {customer_id for customer_id, standing in again.items() if standing.is_granted}
        told = [(customer_id, change) for customer_id, change in told if customer_id not in granted]
    else:
        granted = set()
    for customer_id, change in told:
        _announce(tx, customer_id, change, grown[customer_id].causes[change.position])
    return granted


def _by_member(run: Sequence[Posted], causes: Sequence[Event[Any]], over: str) -> dict[UUID, "_Growth"]:
    grown: dict[UUID, _Growth] = {}
    for (_, posting, entries), cause in zip(run, causes, strict=True):
        for account, _, balance_after in entries:
            if account.account_type == over:
                growth = grown.get(account.customer_id)
                if growth is None:
                    growth = grown[account.customer_id] = _Growth(account, [], [])
                growth.moves.append(Move(posting.at, balance_after))
                growth.causes.append(cause)
    return grown


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
            _announce(tx, customer_id, change, event)
    await _ask_history(tx, plan, list(decided), decided)
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


async def come_due(tx: Transaction, customer_ids: Sequence[UUID], *, now: datetime) -> None:
    """The standing of these members changes, or they are to be warned, because time has come."""
    plan = await queries.plan(tx)
    await settle_members(tx, plan, {id_: Why(now, is_due=True) for id_ in customer_ids})


async def lock(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Lock what decides about these members, in id order."""
    await queries.lock(tx, customer_ids, (await queries.plan(tx)).over)


async def _ask_history(tx: Transaction, plan: TierPlan, customer_ids: Sequence[UUID], decided: Decided) -> None:
    """Set `since` from the whole history, for those whose latest facts arrived out of order."""
    if not customer_ids:
        return
    found = await ledger.history(tx, customer_ids, plan.over)
    for customer_id in customer_ids:
        decided[customer_id][0].since = since(plan, found[customer_id])


def _announce(tx: Transaction, customer_id: UUID, change: Change, cause: Event[Any]) -> None:
    kind = TierUpgraded if change.is_up else TierDowngraded
    data = kind(from_tier=change.from_tier, to_tier=change.to_tier, growth=change.growth)
    tx.publish(data, about=customer_id, time=change.time, cause=cause)


ACCOUNT_TYPES = (POINTS, GROWTH)
"""Told of in this order, whether anything was posted or not."""
