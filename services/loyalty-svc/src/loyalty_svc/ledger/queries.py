"""All SQL of the ledger but the audit's: one statement for the accounts of a batch, one for its postings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.ledger.posting import LIABILITY, AccountKey, Balance, Basis, Entry, Posting, Touched
from moat.kit.db.transaction import Transaction

# Sorted, so that every transaction locks accounts in the same order. One statement opens, locks, changes and reads:
# `entries` walks back from the balances that come out.
_ADD = """
INSERT INTO account AS a (customer_id, type, last_at, available, earned_total, reversed_total)
SELECT t.customer_id, t.type, t.last_at, t.earned - t.reversed, t.earned, t.reversed
FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:last_at AS timestamptz[]),
            CAST(:earned AS bigint[]), CAST(:reversed AS bigint[])) AS t (customer_id, type, last_at, earned, reversed)
ORDER BY t.customer_id, t.type COLLATE "C"
ON CONFLICT (customer_id, type) DO UPDATE SET
  last_at = greatest(a.last_at, excluded.last_at),
  available = a.available + excluded.available,
  earned_total = a.earned_total + excluded.earned_total,
  reversed_total = a.reversed_total + excluded.reversed_total
RETURNING new.customer_id, new.type, old.last_at, new.available, new.reversed_total
"""
# What postings of one basis share is bound once, and the entries of the n-th posting are the n-th group of amounts:
# each element of an array costs, here and in the driver. The seals are checksums that the audit recomputes.
_APPEND = """
WITH p AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:at AS timestamptz[]),
                       CAST(:cause_ids AS uuid[]), CAST(:parts AS text[]), CAST(:event_ids AS text[]),
                       CAST(:order_ids AS text[]))
       WITH ORDINALITY AS p (id, customer_id, at, cause_id, part, event_id, order_id, place)),
posted AS (
  INSERT INTO posting (id, customer_id, at, cause_id, kind, cause_part, reason, event_id, order_id, rule, matched, seal)
  SELECT id, customer_id, at, cause_id, :kind, part, :reason, event_id, order_id, :rule, :matched,
         posting_seal(id, customer_id, at, cause_id, :kind, part)
  FROM p)
INSERT INTO entry (posting_id, customer_id, other_id, programme, account_type, amount, balance_after, seal)
SELECT e.*, entry_seal(e.id, e.customer_id, e.type, e.amount, e.balance_after)
FROM (
  SELECT p.id, p.customer_id, CAST(:other_id AS uuid), CAST(:programme AS text), t.type,
         (CAST(:amounts AS bigint[]))[(p.place - 1) * cardinality(CAST(:types AS text[])) + t.place],
         (CAST(:balances AS bigint[]))[(p.place - 1) * cardinality(CAST(:types AS text[])) + t.place]
  FROM p CROSS JOIN unnest(CAST(:types AS text[])) WITH ORDINALITY AS t (type, place)
) AS e (id, customer_id, other_id, programme, type, amount, balance_after)
"""
_HELD = """
SELECT customer_id, type,
       last_at, available, pending, reserved, earned_total, spent_total, expired_total, reversed_total
FROM account WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id, type
"""
# What a merge moves happened when it happened: the later of both accounts' instants stays, not the merge's.
_MOVE = """
WITH gone AS (
  UPDATE account SET available = 0, pending = 0, reserved = 0,
    earned_total = 0, spent_total = 0, expired_total = 0, reversed_total = 0
  WHERE customer_id = :from_id
  RETURNING old.*)
INSERT INTO account AS a (customer_id, type, last_at, available, pending, reserved,
                          earned_total, spent_total, expired_total, reversed_total)
SELECT CAST(:to_id AS uuid), type, last_at, available, pending, reserved,
       earned_total, spent_total, expired_total, reversed_total FROM gone ORDER BY type
ON CONFLICT (customer_id, type) DO UPDATE SET
  last_at = greatest(a.last_at, excluded.last_at),
  available = a.available + excluded.available,
  pending = a.pending + excluded.pending,
  reserved = a.reserved + excluded.reserved,
  earned_total = a.earned_total + excluded.earned_total,
  spent_total = a.spent_total + excluded.spent_total,
  expired_total = a.expired_total + excluded.expired_total,
  reversed_total = a.reversed_total + excluded.reversed_total
RETURNING new.type, new.available, new.available - coalesce(old.available, 0) AS moved
"""
_POSTINGS = """
SELECT p.id, p.at, p.kind, e.account_type, e.amount, e.balance_after, p.event_id, p.order_id, p.rule, p.reason
FROM posting p JOIN entry e ON e.posting_id = p.id AND e.account_type = :account_type
WHERE p.customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR p.id < CAST(:after AS uuid))
ORDER BY p.id DESC LIMIT :limit
"""
# A merged customer's postings stay where they were made; the transfer is not history of its own.
_HISTORY = """
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[])))
SELECT c.root AS customer_id, p.at, sum(e.amount)::bigint AS amount
FROM customer c JOIN posting p ON p.customer_id = c.id AND p.kind <> 'transferred'
JOIN entry e ON e.posting_id = p.id AND e.account_type = :account_type
GROUP BY c.root, p.at ORDER BY c.root, p.at
"""


async def add(tx: Transaction, accounts: Sequence[Touched]) -> None:
    """Open the accounts that are missing, add what the run adds, and tell each account what it came to."""
    result = await tx.execute(
        _ADD,
        customers=[account.customer_id for account in accounts],
        types=[account.account_type for account in accounts],
        last_at=[account.last_at for account in accounts],
        earned=[account.earned for account in accounts],
        reversed=[account.reversed for account in accounts],
    )
    rows: Sequence[Any] = result.all()
    outcome = {(row[0], row[1]): row for row in rows}
    for account in accounts:
        _, _, account.before_at, account.balance, account.reversed_total = outcome[
            (account.customer_id, account.account_type)
        ]
        account.walked_back = account.balance


async def append(
    tx: Transaction, ids: Sequence[UUID], postings: Sequence[Posting], entries: Sequence[Sequence[Entry]]
) -> None:
    """Store postings against the programme's liability, with one statement for each basis there is.

    A second posting for the same cause and kind fails.
    """
    for places in _by_basis(postings):
        basis = postings[places[0]].basis
        rows = [entry for place in places for entry in entries[place]]
        await tx.execute(
            _APPEND,
            **_columns(basis, [ids[place] for place in places], [postings[place] for place in places]),
            amounts=[row[1] for row in rows],
            balances=[row[2] for row in rows],
            other_id=None,
            programme=LIABILITY,
        )


def _by_basis(postings: Sequence[Posting]) -> Collection[Sequence[int]]:
    """The places of postings with one basis; by identity, since callers keep theirs and hashing one is slow."""
    found: dict[int, list[int]] = {}
    for place, posting in enumerate(postings):
        found.setdefault(id(posting.basis), []).append(place)
    return found.values()


async def append_transfer(tx: Transaction, id_: UUID, posting: Posting, balances: Mapping[str, int]) -> None:
    """Store a posting between two customers; `balances` are those of the one who gains, by account type."""
    await tx.execute(
        _APPEND,
        **_columns(posting.basis, [id_], [posting]),
        amounts=posting.amounts,
        balances=[balances[type_] for type_ in posting.basis.account_types],
        other_id=posting.other_id,
        programme=None,
    )


def _columns(basis: Basis, ids: Sequence[UUID], postings: Sequence[Posting]) -> dict[str, object]:
    causes = [posting.cause for posting in postings]
    return {
        "kind": basis.kind.value,
        "reason": basis.reason,
        "rule": basis.rule,
        "matched": basis.matched,
        "types": basis.account_types,
        "ids": ids,
        "customers": [posting.customer_id for posting in postings],
        "at": [posting.at for posting in postings],
        "cause_ids": [cause.id for cause in causes],
        "parts": [cause.part for cause in causes],
        "event_ids": [cause.event_id for cause in causes],
        "order_ids": [cause.order_id for cause in causes],
    }


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> dict[str, tuple[int, int]]:
    """Move balances and lifetime totals; by account type the survivor's balance and how much of it came by this."""
    rows: Sequence[Any] = await tx.all(_MOVE, from_id=from_id, to_id=to_id)
    return {row.type: (row.available, row.moved) for row in rows}


async def held(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[AccountKey, Balance]:
    """The accounts of these customers."""
    rows: Sequence[Any] = await tx.all(_HELD, ids=list(customer_ids))
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
