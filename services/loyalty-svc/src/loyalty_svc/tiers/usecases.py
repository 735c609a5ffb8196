"""What tiers do inside the transaction they are given. The accounts of the members are locked by then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.ledger import queries as ledger
from loyalty_svc.ledger.posting import Balance, Touched
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.ledger.usecases import Posted
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import Change, Move, Standing, TierPlan, follow, since
from moat.contracts.loyalty import TierDowngraded, TierUpgraded
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event


class _Growth(NamedTuple):
    """What a run of postings did to one member's growth, move by move."""

    account: Touched
    moves: list[Move]
    causes: list[Event[Any]]


@dataclass(frozen=True, slots=True)
class Membership:
    """What a customer has and where he stands; `standing` is None before his first posting."""

    accounts: dict[str, Balance]
    plan: TierPlan
    standing: Standing | None


async def membership(tx: Transaction, customer_id: UUID) -> Membership:
    """A known customer's membership, zeros where nothing was posted yet."""
    held = await ledger.held(tx, {customer_id})
    accounts = {type_: balance for (_, type_), balance in held.items()}
    return Membership(accounts, await queries.plan(tx), (await queries.standings(tx, {customer_id})).get(customer_id))


async def follow_growth(tx: Transaction, run: Sequence[Posted], causes: Sequence[Event[Any]]) -> None:
    """Move tiers after a run of postings; `causes` are the events behind them, in their order."""
    grown = _by_member(run, causes)
    if not grown:
        return
    plan = await queries.plan(tx)
    standings = await queries.standings(tx, grown)
    decided: dict[UUID, tuple[Standing, str]] = {}
    unsure: list[UUID] = []
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
        for change in changes:
            _announce(tx, customer_id, change, growth.causes[change.position])
    await _ask_history(tx, plan, unsure, decided)
    if decided:
        await queries.save(tx, plan, decided)


def _by_member(run: Sequence[Posted], causes: Sequence[Event[Any]]) -> dict[UUID, "_Growth"]:
    grown: dict[UUID, _Growth] = {}
    for (_, posting, entries), cause in zip(run, causes, strict=True):
        for account, _, balance_after in entries:
            if account.account_type == GROWTH:
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
    accounts = await ledger.held(tx, survivors)
    decided: dict[UUID, tuple[Standing, str]] = {}
    for customer_id, event in survivors.items():
        former = [
            standings[from_id] for from_id, to_id in gone.items() if to_id == customer_id and from_id in standings
        ]
        own = standings.get(customer_id)
        growth = accounts.get((customer_id, GROWTH))
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
    await queries.remove(tx, gone)


async def _ask_history(
    tx: Transaction, plan: TierPlan, customer_ids: Sequence[UUID], decided: dict[UUID, tuple[Standing, str]]
) -> None:
    """Set `since` from the whole history, for those whose latest facts arrived out of order."""
    if not customer_ids:
        return
    histories = await ledger.history(tx, customer_ids, GROWTH)
    for customer_id in customer_ids:
        decided[customer_id][0].since = since(plan, histories[customer_id])


def _announce(tx: Transaction, customer_id: UUID, change: Change, cause: Event[Any]) -> None:
    kind = TierUpgraded if change.is_up else TierDowngraded
    data = kind(from_tier=change.from_tier, to_tier=change.to_tier, growth=change.growth)
    tx.publish(data, about=customer_id, time=change.time, cause=cause)


ACCOUNT_TYPES = (POINTS, GROWTH)
"""Told of in this order, whether anything was posted or not."""
