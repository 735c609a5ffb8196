"""What the ledger does inside the transaction it is given. Accounts are locked before anything is decided of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import announcing, awarding, queries, spending
from loyalty_svc.ledger import posting as heart
from loyalty_svc.ledger.giving import Gift, TakeBack, basis_of
from loyalty_svc.ledger.posting import AccountKey, Cause, Kind, Posting, Touched
from loyalty_svc.ledger.settling import settle, settle_accounts
from loyalty_svc.lots import queries as lots
from loyalty_svc.lots.lots import Reversal
from loyalty_svc.lots.queries import Revived
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid7, uuid7s
from moat.kit.timers import set_timers

Posted = heart.Posted
COMING_OF_AGE: Final = "points.available"
"""The timers of points that wait: one for each minute in which some come of age."""


class Merge(NamedTuple):
    """One customer became another, at an instant, because of an event."""

    from_id: UUID
    to_id: UUID
    at: datetime
    event_id: str


async def post(
    tx: Transaction, postings: Sequence[Posting], *, now: datetime | None = None
) -> tuple[list[Posted], list[Touched]]:
    """Store postings in their order and bring the balances along: one statement, and one for those that are alike.

    What earns in a spendable account type begins a lot; what is taken back is taken from the lots of its cause. With
    `now` they must be announced, and then the accounts they touched given to `expire_due`: some of it may have expired.
    """
    types = await account_types(tx)
    runs = awarding.runs(postings, types)
    accounts, own = heart.add_up(postings)
    waits = [instant for run in runs for instant in awarding.judge(postings, own, run, now)]
    await queries.add(tx, accounts)
    balances = heart.balances(postings, own)
    ids = uuid7s(len(postings))
    await queries.append(tx, runs, ids, postings, balances, now=now)
    posted = list(map(Posted, ids, postings, own, balances))
    revived = await _keep_alive(tx, accounts, types, now)
    await _come_of_age_at(tx, waits)
    concerned = [
        one
        for one in accounts
        if (one.reversed or one.owed_before or one.key in revived) and types.is_spendable(one.account_type)
    ]
    if concerned:
        await _take_from_lots(tx, posted, concerned, types, now, revived)
    return posted, accounts


async def _keep_alive(
    tx: Transaction, accounts: Iterable[Touched], types: AccountTypes, now: datetime | None
) -> dict[AccountKey, list[Revived]]:
    """Let what was awarded keep alive what else there is, in types that live on activity; no statement for others."""
    living = types.living_on_activity()
    if not living:
        return {}
    keys = [one.key for one in accounts if one.account_type in living and (one.earned or one.adjusted > 0)]
    return await lots.keep_alive(tx, keys, now) if keys else {}


async def _come_of_age_at(tx: Transaction, instants: Iterable[datetime]) -> None:
    minutes = {awarding.minute_after(instant) for instant in instants}
    await set_timers(tx, COMING_OF_AGE, [(minute.isoformat(), minute, {}) for minute in sorted(minutes)])


async def _take_from_lots(
    tx: Transaction,
    posted: Sequence[Posted],
    accounts: Sequence[Touched],
    types: AccountTypes,
    now: datetime | None,
    revived: Mapping[AccountKey, Sequence[Revived]],
) -> None:
    reversals: dict[AccountKey, list[Reversal]] = {}
    for _, posting, touched, _ in posted:
        if posting.basis.kind is Kind.REVERSED:
            for account, amount in zip(touched, posting.amounts, strict=True):
                reversal = Reversal(posting.cause.id, posting.cause.part, -amount)
                reversals.setdefault(account.key, []).append(reversal)
    at = max(account.last_at for account in accounts)
    found = {account.key: account for account in accounts}
    settled = await settle_accounts(tx, list(found), types, reversals=reversals, revived=revived, at=at, now=now)
    for correction in settled:
        account = found[correction.posting.customer_id, correction.posting.basis.account_types[0]]
        account.corrections = (*account.corrections, correction)


async def expire_due(tx: Transaction, touched: Sequence[Touched], *, now: datetime) -> None:
    """Expire what was posted although its time is over, and announce what followed; after the postings are announced.

    No statement where nothing is due.
    """
    announcing.moved(tx, [one for account in touched if account.corrections for one in account.corrections])
    keys = sorted(account.key for account in touched if account.is_due)
    if keys:
        await settle(tx, keys, await account_types(tx), now=now)


async def move_merged(tx: Transaction, merges: Iterable[Merge], *, now: datetime) -> None:
    """Move balances, lots and lifetime totals of merged customers to the survivors; sums over all do not change.

    Merges are rare and one batch of them at a time holds everybody else off, so each is a few statements of its own.
    """
    types = await account_types(tx)
    for merge in merges:
        if merge.from_id == merge.to_id:
            continue
        moved = await queries.move(tx, merge.from_id, merge.to_id)
        # Two may be merged, part, and be merged again.
        cause = Cause(merge.from_id, merge.event_id, merge.event_id)
        held = {type_: amount for type_, (_, amount) in moved.items()}
        posting = heart.transferred(merge.from_id, merge.to_id, held, at=merge.at, cause=cause)
        if posting.amounts:
            balances = {type_: balance for type_, (balance, _) in moved.items()}
            await queries.append_transfer(tx, uuid7(), posting, balances)
        # What one of them owes is paid by what the other has.
        await lots.move(tx, merge.from_id, merge.to_id)
        keys = [(merge.to_id, type_) for type_ in moved if types.is_spendable(type_)]
        living = types.living_on_activity()
        alive = [key for key in keys if key[1] in living]
        revived = await lots.keep_alive(tx, alive, now) if alive else {}
        announcing.moved(tx, await settle_accounts(tx, keys, types, revived=revived, at=merge.at, now=now))


async def give(
    tx: Transaction, gifts: Sequence[Gift], *, now: datetime, events: Iterable[Event[Any]] = ()
) -> list[Posted]:
    """Give points, each gift once for ever: one that was given before is left out of what comes back.

    Publishes `member.enrolled`, `points.earned` or `points.pending`, and `points.expired` for what is too old. Whoever
    may give or take back what the tier plan counts calls `tiers.follow_growth` with what comes back. The customers are
    locked, or in a consumed batch.
    events: those that the gifts' causes name, where they are at hand, so that correlation and trace go on.
    """
    known = await queries.given(tx, [gift.cause for gift in gifts])
    postings = []
    for gift in gifts:
        if (gift.cause.id, gift.cause.part) not in known:
            known.add((gift.cause.id, gift.cause.part))
            postings.append(gift.posting())
    if not postings:
        return []
    posted, touched = await post(tx, postings, now=now)
    announcing.moved(tx, posted, now=now, events=events)
    await expire_due(tx, touched, now=now)
    return posted


async def take_back(
    tx: Transaction, takes: Sequence[TakeBack], *, now: datetime, events: Iterable[Event[Any]] = ()
) -> list[Posted]:
    """Take back what gifts gave, where it was not taken back before. Publishes `points.reversed`.

    Points that are spent already become a debt, or a loss, as the account type says.
    """
    wanted = {(take.cause.id, take.cause.part): take for take in takes}
    postings = []
    for cause_id, part, customer_id, account_type, points in await queries.gifts(tx, [one.cause for one in takes]):
        take = wanted[cause_id, part]
        basis = basis_of(Kind.REVERSED, take.reason, account_type)
        postings.append(Posting(customer_id, basis, take.at, take.cause, (-points,)))
    if not postings:
        return []
    posted, touched = await post(tx, postings, now=now)
    announcing.moved(tx, posted, events=events)
    await expire_due(tx, touched, now=now)
    return posted


async def correct(tx: Transaction, posting: Posting, *, now: datetime) -> Posted:
    """Book what staff decided: a gain as it is, a loss if as much is available. Publishes `points.adjusted`.

    Raises as `spend` does.
    """
    if posting.amounts[0] < 0:
        return await spending.debit(tx, posting)
    posted, touched = await post(tx, [posting], now=now)
    announcing.moved(tx, posted)
    await expire_due(tx, touched, now=now)
    return posted[0]
