"""What the ledger does inside the transaction it is given."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import Expiry
from loyalty_svc.ledger import posting as heart
from loyalty_svc.ledger import queries
from loyalty_svc.ledger.posting import Cause, Entry, Posting
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7


class Posted(NamedTuple):
    """A posting as it was stored; the accounts in its entries know what the whole run came to."""

    id: UUID
    posting: Posting
    entries: Sequence[Entry]


class Merge(NamedTuple):
    """One customer became another, at an instant, because of an event."""

    from_id: UUID
    to_id: UUID
    at: datetime
    event_id: str


class Gift(NamedTuple):
    """Points (> 0) that a feature gives. at: when their reason came about; rule: `<code>@<version>`.

    cause: what is given once for ever, (id, part). expires: instead of what the account type says.
    """

    customer_id: UUID
    account_type: str
    points: int
    at: datetime
    reason: str
    rule: str | None
    cause: Cause
    expires: Expiry | None = None
    pending: timedelta | None = None


class TakeBack(NamedTuple):
    """What a gift gave goes back; `cause` is the gift's (id and part), its event the one that led here."""

    at: datetime
    reason: str
    cause: Cause


async def post(tx: Transaction, postings: Sequence[Posting], *, now: datetime | None = None) -> list[Posted]:
    """Store postings in their order and bring the balances along: one statement, and one for each basis.

    What earns in a spendable account type begins a lot; what is taken back is taken from the lots of its cause. With
    `now` accounts know whether something in them has expired already: see `expire_due`.
    """
    accounts, places = heart.add_up(postings)
    await queries.add(tx, accounts)
    entries = heart.entries(postings, places)
    ids = [uuid7() for _ in postings]
    await queries.append(tx, ids, postings, entries)
    return list(map(Posted, ids, postings, entries))


async def move_merged(tx: Transaction, merges: Iterable[Merge]) -> None:
    """Move balances and lifetime totals of merged customers to the survivors; sums over all accounts do not change.

    Merges are rare and one batch of them at a time holds everybody else off, so each is two statements of its own.
    """
    for merge in merges:
        if merge.from_id == merge.to_id:
            continue
        moved = await queries.move(tx, merge.from_id, merge.to_id)
        cause = Cause(merge.from_id, "", merge.event_id)
        held = {type_: amount for type_, (_, amount) in moved.items()}
        posting = heart.transferred(merge.from_id, merge.to_id, held, at=merge.at, cause=cause)
        if posting.amounts:
            balances = {type_: balance for type_, (balance, _) in moved.items()}
            await queries.append_transfer(tx, uuid7(), posting, balances)


async def give(tx: Transaction, gifts: Sequence[Gift], *, now: datetime) -> list[Posted]:
    """Give points, each gift once for ever: one that was given before is left out of what comes back.

    Publishes `member.enrolled`, `points.earned` or `points.pending`, and `points.expired` for what is too old. Whoever
    gives growth calls `tiers.follow_growth` with what comes back. The customers are locked, or in a consumed batch.
    """
    raise NotImplementedError


async def take_back(tx: Transaction, takes: Sequence[TakeBack], *, now: datetime) -> list[Posted]:
    """Take back what gifts gave, as far as it was not taken back before. Publishes `points.reversed`.

    Points that are spent already become a debt, or a loss, as the account type says.
    """
    raise NotImplementedError


async def spend(
    tx: Transaction,
    customer_id: UUID,
    account_type: str,
    amount: int,
    *,
    reason: str,
    cause: Cause,
    now: datetime,
    rule: str | None = None,
) -> Posted:
    """Take `amount` (> 0) of what is available, from the lots that expire first. Publishes `points.spent`.

    The customer is locked (`lock_customer`). Raises InsufficientPoints with `available` and `requested`, and leaves
    the transaction usable; UnknownAccountType, NotSpendable.
    """
    raise NotImplementedError


async def expire_due(tx: Transaction, posted: Sequence[Posted], *, now: datetime) -> None:
    """Expire what was posted although its time is over; called after the postings were announced.

    No statement where nothing is due.
    """
    raise NotImplementedError
