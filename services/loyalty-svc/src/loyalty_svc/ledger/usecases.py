"""What the ledger does inside the transaction it is given."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

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


async def post(tx: Transaction, postings: Sequence[Posting]) -> list[Posted]:
    """Store postings in their order and bring the balances along: one statement, and one for each basis."""
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
