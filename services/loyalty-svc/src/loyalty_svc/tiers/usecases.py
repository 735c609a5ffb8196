"""What tiers do inside the transaction they are given. The accounts of the members are locked by then."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import queries as ledger
from loyalty_svc.ledger.posting import Balance, Touched
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.ledger.usecases import Posted
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import Change, Move, Standing, TierPlan, follow, since
from loyalty_svc.tiers.outlook import Outlook, look_ahead
from loyalty_svc.tiers.settled import Member, settle
from loyalty_svc.tiers.settling import Why, histories, settle_members
from loyalty_svc.tiers.walking import Judged, Values
from moat.contracts.loyalty import TierDowngraded, TierUpgraded
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

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

    def tier_at(self, at: datetime) -> str:
        """The code of his tier at an instant; the plan's first before he got anything."""
        return self.standing.tier_at(at) if self.standing else self.plan.base.code


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
    units = (await account_types(tx)).at(plan.over, now).units
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
    await ask_history(tx, plan, unsure, decided)
    if decided and not await queries.save(tx, plan, decided):
        again = await queries.standings(tx, decided)
        granted = {customer_id for customer_id, standing in again.items() if standing.is_granted}
        told = [(customer_id, change) for customer_id, change in told if customer_id not in granted]
    else:
        granted = set()
    for customer_id, change in told:
        announce(tx, customer_id, change, grown[customer_id].causes[change.position])
    return granted


def _by_member(run: Sequence[Posted], causes: Sequence[Event[Any]], over: str) -> dict[UUID, "_Growth"]:
    """What one event gave at one instant, by several rules, is one move."""
    grown: dict[UUID, _Growth] = {}
    for (_, posting, accounts, balances), cause in zip(run, causes, strict=True):
        types = posting.basis.account_types
        if over not in types:
            continue
        place = types.index(over)
        move = Move(posting.at, balances[place])
        growth = grown.get(posting.customer_id)
        if growth is None:
            grown[posting.customer_id] = _Growth(accounts[place], [move], [cause])
        elif growth.causes[-1] is cause and growth.moves[-1].at == move.at:
            growth.moves[-1] = move
        else:
            growth.moves.append(move)
            growth.causes.append(cause)
    return grown


async def come_due(tx: Transaction, customer_ids: Sequence[UUID], *, now: datetime) -> None:
    """The standing of these members changes, or they are to be warned, because time has come."""
    plan = await queries.plan(tx)
    await settle_members(tx, plan, {id_: Why(now, is_due=True) for id_ in customer_ids})


async def lock(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Lock what decides about these members, in id order."""
    await queries.lock(tx, customer_ids, (await queries.plan(tx)).over)


async def ask_history(tx: Transaction, plan: TierPlan, customer_ids: Sequence[UUID], decided: Decided) -> None:
    """Set `since` from the whole history, for those whose latest facts arrived out of order."""
    if not customer_ids:
        return
    found = await ledger.history(tx, customer_ids, plan.over)
    for customer_id in customer_ids:
        decided[customer_id][0].since = since(plan, found[customer_id])


def announce(tx: Transaction, customer_id: UUID, change: Change, cause: Event[Any]) -> None:
    """Tell of a change by moves of growth."""
    kind = TierUpgraded if change.is_up else TierDowngraded
    data = kind(from_tier=change.from_tier, to_tier=change.to_tier, growth=change.growth)
    tx.publish(data, about=customer_id, time=change.time, cause=cause)


ACCOUNT_TYPES = (POINTS, GROWTH)
"""Told of in this order, whether anything was posted or not."""
