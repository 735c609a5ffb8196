"""All SQL of the ledger but the audit's: one statement for the accounts of a batch, one for its postings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.ledger.posting import AccountKey, Balance, Entry, Posting
from moat.kit.db.transaction import Transaction

# Sorted, so that every transaction locks accounts in the same order. One statement opens, locks, changes and
# reads: the balances before are what `entries` walks back to.
_APPLY = """
INSERT INTO account AS a (customer_id, type, last_at, available, pending, reserved,
                          earned_total, spent_total, expired_total, reversed_total)
SELECT * FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:last_at AS timestamptz[]),
                     CAST(:available AS bigint[]), CAST(:pending AS bigint[]), CAST(:reserved AS bigint[]),
                     CAST(:earned AS bigint[]), CAST(:spent AS bigint[]), CAST(:expired AS bigint[]),
                     CAST(:reversed AS bigint[])) ORDER BY 1, 2
ON CONFLICT (customer_id, type) DO UPDATE SET
  last_at = greatest(a.last_at, excluded.last_at),
  available = a.available + excluded.available,
  pending = a.pending + excluded.pending,
  reserved = a.reserved + excluded.reserved,
  earned_total = a.earned_total + excluded.earned_total,
  spent_total = a.spent_total + excluded.spent_total,
  expired_total = a.expired_total + excluded.expired_total,
  reversed_total = a.reversed_total + excluded.reversed_total
RETURNING new.customer_id, new.type, new.available, new.earned_total, new.reversed_total, old.last_at
"""
_APPEND = """
WITH posted AS (
  INSERT INTO posting (id, customer_id, at, cause_id, seal, kind, cause_part, reason, event_id, order_id, rule, matched)
  SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:at AS timestamptz[]),
                       CAST(:cause_ids AS uuid[]), CAST(:seals AS uuid[]), CAST(:kinds AS text[]),
                       CAST(:parts AS text[]), CAST(:reasons AS text[]), CAST(:event_ids AS text[]),
                       CAST(:order_ids AS text[]), CAST(:rules AS text[]), CAST(:matched AS text[])))
INSERT INTO entry (posting_id, customer_id, amount, balance_after, leg, account_type, programme)
SELECT * FROM unnest(CAST(:entry_postings AS uuid[]), CAST(:owners AS uuid[]), CAST(:amounts AS bigint[]),
                     CAST(:balances AS bigint[]), CAST(:legs AS smallint[]), CAST(:types AS text[]),
                     CAST(:programmes AS text[]))
"""
_HELD = """
SELECT customer_id, type,
       last_at, available, pending, reserved, earned_total, spent_total, expired_total, reversed_total
FROM account WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id, type
"""
_POSTINGS = """
SELECT p.id, p.at, p.kind, e.account_type, e.amount, e.balance_after, p.event_id, p.order_id, p.rule, p.reason
FROM posting p JOIN entry e ON e.posting_id = p.id AND e.customer_id = p.customer_id
WHERE p.customer_id = :customer_id AND e.account_type = :account_type
  AND (CAST(:after AS uuid) IS NULL OR p.id < CAST(:after AS uuid))
ORDER BY p.id DESC LIMIT :limit
"""
# A merged customer's postings stay where they were made; the transfer is not history of its own.
_HISTORY = """
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[])))
SELECT c.root AS customer_id, p.at, sum(e.amount)::bigint AS amount
FROM customer c JOIN posting p ON p.customer_id = c.id AND p.kind <> 'transferred'
JOIN entry e ON e.posting_id = p.id AND e.customer_id = c.id AND e.account_type = :account_type
GROUP BY c.root, p.at ORDER BY c.root, p.at
"""


class Account(NamedTuple):
    """A customer's account after a run of postings; `before_at` is its latest instant before, None if just opened."""

    customer_id: UUID
    type: str
    available: int
    earned_total: int
    reversed_total: int
    before_at: datetime | None


async def apply_changes(tx: Transaction, changes: Mapping[AccountKey, Balance]) -> dict[AccountKey, Account]:
    """Open the accounts that are missing, add the changes, and say what came of it."""
    keys = list(changes)
    rows = [changes[key] for key in keys]
    result = await tx.execute(
        _APPLY,
        customers=[key[0] for key in keys],
        types=[key[1] for key in keys],
        last_at=[row.last_at for row in rows],
        available=[row.available for row in rows],
        pending=[row.pending for row in rows],
        reserved=[row.reserved for row in rows],
        earned=[row.earned_total for row in rows],
        spent=[row.spent_total for row in rows],
        expired=[row.expired_total for row in rows],
        reversed=[row.reversed_total for row in rows],
    )
    found: Sequence[Any] = result.all()
    return {(row[0], row[1]): Account(*row) for row in found}


async def append(
    tx: Transaction,
    ids: Sequence[UUID],
    postings: Sequence[Posting],
    seals: Sequence[UUID],
    entries: Sequence[Sequence[Entry]],
) -> None:
    """Store postings and their entries; a second posting for the same cause and kind fails on `posting_once`."""
    causes = [posting.cause for posting in postings]
    legs = [entry for rows in entries for entry in rows]
    await tx.execute(
        _APPEND,
        ids=ids,
        customers=[posting.customer_id for posting in postings],
        at=[posting.at for posting in postings],
        cause_ids=[cause.id for cause in causes],
        seals=seals,
        kinds=[posting.kind.value for posting in postings],
        parts=[cause.part for cause in causes],
        reasons=[cause.reason for cause in causes],
        event_ids=[cause.event_id for cause in causes],
        order_ids=[cause.order_id for cause in causes],
        rules=[cause.rule for cause in causes],
        matched=[cause.matched for cause in causes],
        entry_postings=[id_ for id_, rows in zip(ids, entries, strict=True) for _ in rows],
        owners=[leg.customer_id for leg in legs],
        amounts=[leg.amount for leg in legs],
        balances=[leg.balance_after for leg in legs],
        legs=[leg.leg for leg in legs],
        types=[leg.account_type for leg in legs],
        programmes=[leg.programme for leg in legs],
    )


async def held(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[AccountKey, Balance]:
    """The accounts of these customers."""
    rows: Sequence[Any] = await tx.all(_HELD, ids=list(customer_ids))
    return {(row[0], row[1]): Balance(*row[2:]) for row in rows}


async def held_for_update(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[AccountKey, Balance]:
    """The accounts of these customers, locked in order."""
    rows: Sequence[Any] = await tx.all(_HELD + " FOR UPDATE", ids=list(customer_ids))
    return {(row[0], row[1]): Balance(*row[2:]) for row in rows}


async def postings_of(
    tx: Transaction, customer_id: UUID, account_type: str, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """A customer's postings in one account type, newest first, before the posting `after`."""
    return await tx.all(_POSTINGS, customer_id=customer_id, account_type=account_type, after=after, limit=limit)


async def history(
    tx: Transaction, customer_ids: Iterable[UUID], account_type: str
) -> dict[UUID, list[tuple[datetime, int]]]:
    """What each customer's account (those merged into him included) gained or lost at each instant, ascending."""
    out: dict[UUID, list[tuple[datetime, int]]] = {}
    rows: Sequence[Any] = await tx.all(_HISTORY, ids=list(customer_ids), account_type=account_type)
    for row in rows:
        out.setdefault(row[0], []).append((row[1], row[2]))
    return out
