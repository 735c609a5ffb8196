"""What the ledger does inside the transaction it is given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from loyalty_svc.ledger import posting as heart
from loyalty_svc.ledger import queries
from loyalty_svc.ledger.posting import AccountKey, Cause, Entry, Posting
from loyalty_svc.ledger.queries import Account
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7


@dataclass(frozen=True, slots=True)
class Posted:
    """What a run of postings came to: ids and entries in the order of the postings, the accounts after all of them."""

    ids: Sequence[UUID]
    postings: Sequence[Posting]
    entries: Sequence[Sequence[Entry]]
    accounts: Mapping[AccountKey, Account]


@dataclass(frozen=True, slots=True)
class Merge:
    """One customer became another, at an instant, because of an event."""

    from_id: UUID
    to_id: UUID
    at: datetime
    event_id: str


async def post(tx: Transaction, postings: Sequence[Posting]) -> Posted:
    """Store the postings in their order and bring the balances along: two statements, however many there are."""
    return await _store(tx, postings, heart.changes(postings))


async def move_merged(tx: Transaction, merges: Iterable[Merge]) -> None:
    """Move balances and lifetime totals of merged customers to the survivors; sums over all accounts do not change."""
    merges = [merge for merge in merges if merge.from_id != merge.to_id]
    accounts = await queries.held_for_update(tx, {id_ for merge in merges for id_ in (merge.from_id, merge.to_id)})
    changes: dict[AccountKey, heart.Balance] = {}
    postings: list[Posting] = []
    for merge in merges:
        held = {type_: balance for (owner, type_), balance in accounts.items() if owner == merge.from_id}
        for type_, balance in held.items():
            # What a merge moves happened when it happened: the later of both accounts' instants stays, not the merge's.
            for owner, sign in ((merge.from_id, -1), (merge.to_id, 1)):
                changes.setdefault((owner, type_), heart.Balance(balance.last_at)).add(balance, sign)
        balances = {type_: balance.available for type_, balance in held.items()}
        if any(balances.values()):
            cause = Cause(merge.from_id, "", "customer.merged", merge.event_id)
            postings.append(heart.transferred(merge.from_id, merge.to_id, balances, at=merge.at, cause=cause))
    if changes:
        await _store(tx, postings, changes)


async def _store(tx: Transaction, postings: Sequence[Posting], changes: Mapping[AccountKey, heart.Balance]) -> Posted:
    accounts = await queries.apply_changes(tx, changes)
    entries = heart.entries(postings, {key: account.available for key, account in accounts.items()})
    ids = [uuid7() for _ in postings]
    if postings:
        seals = [heart.seal(*sealed) for sealed in zip(ids, postings, entries, strict=True)]
        await queries.append(tx, ids, postings, seals, entries)
    return Posted(ids, postings, entries, accounts)
