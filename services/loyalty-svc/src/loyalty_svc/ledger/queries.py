"""SQL of the ledger: one statement for the accounts of a batch, one for postings that are alike. Debits are apart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.ledger.awarding import NewLots, Run
from loyalty_svc.ledger.owners import owned
from loyalty_svc.ledger.posting import AccountKey, Balance, Basis, Cause, Posting, Touched
from moat.kit.db.transaction import Transaction

# Sorted, so that every transaction locks accounts in the same order. One statement opens, locks, changes and reads:
# `posting.balances` walks back from those that come out.
_ADD = """
INSERT INTO account AS a (customer_id, type, last_at, available, pending, earned_total, reversed_total)
SELECT t.customer_id, t.type, t.last_at, t.earned - t.reversed + coalesce(t.adjusted, 0) - coalesce(t.pending, 0),
       coalesce(t.pending, 0), t.earned, t.reversed
FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:last_at AS timestamptz[]),
            CAST(:earned AS bigint[]), CAST(:reversed AS bigint[]), CAST(:adjusted AS bigint[]),
            CAST(:pending AS bigint[])) AS t (customer_id, type, last_at, earned, reversed, adjusted, pending)
ORDER BY t.customer_id, t.type COLLATE "C"
ON CONFLICT (customer_id, type) DO UPDATE SET
  last_at = greatest(a.last_at, excluded.last_at),
  available = a.available + excluded.available,
  pending = a.pending + excluded.pending,
  earned_total = a.earned_total + excluded.earned_total,
  reversed_total = a.reversed_total + excluded.reversed_total
RETURNING new.customer_id, new.type, old.last_at, new.available + new.pending + new.reserved, new.reversed_total,
          coalesce(old.available + old.reserved < 0, false)
"""
# The lots come from the arrays that the postings are made of: a batch binds nothing for them but a few days. What
# postings share is bound once, their bases are few and looked up by number, and the entries of the n-th posting are the
# n-th group of amounts: each element of an array costs, here and in the driver. Postings go in as they came, those of
# one order one after the other, so that they meet in the indexes. The seals are checksums that the audit recomputes.
_APPEND = """
WITH p AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:at AS timestamptz[]),
                       CAST(:cause_ids AS uuid[]), CAST(:parts AS text[]), CAST(:event_ids AS text[]),
                       CAST(:order_ids AS text[]), CAST(:bases AS smallint[]))
       WITH ORDINALITY AS p (id, customer_id, at, cause_id, part, event_id, order_id, basis, place)),
posted AS (
  INSERT INTO posting (id, customer_id, at, cause_id, kind, cause_part, reason, event_id, order_id, rule, matched, seal)
  SELECT id, customer_id, at, cause_id, :kind, part, (CAST(:reasons AS text[]))[basis], event_id, order_id,
         (CAST(:rules AS text[]))[basis], (CAST(:matched AS text[]))[basis],
         posting_seal(id, customer_id, at, cause_id, :kind, part)
  FROM p),
kept AS (
  INSERT INTO lot (posting_id, account_type, customer_id, earned_at, available_at, is_pending, expires_at,
                   idle_days, amount, remaining)
  SELECT p.id, l.type, p.customer_id, p.at, p.at + w.pending,
         CAST(:pending AS interval) IS NOT NULL AND p.at + w.pending > w.now,
         coalesce((CAST(:expires AS timestamptz[]))[(p.place - 1) * cardinality(CAST(:lot_types AS text[])) + l.place],
                  p.at + make_interval(days => l.days)),
         (CAST(:idle_days AS integer[]))[(p.place - 1) * cardinality(CAST(:lot_types AS text[])) + l.place],
         a.amount, a.amount
  FROM p CROSS JOIN (SELECT coalesce(CAST(:pending AS interval), interval '0'),
                            coalesce(CAST(:now AS timestamptz), 'infinity')) AS w (pending, now)
  CROSS JOIN unnest(CAST(:lot_types AS text[]), CAST(:lot_days AS integer[]), CAST(:lot_places AS integer[]))
       WITH ORDINALITY AS l (type, days, type_place, place),
  LATERAL (SELECT (CAST(:amounts AS bigint[]))[(p.place - 1) * cardinality(CAST(:types AS text[])) + l.type_place])
       AS a (amount))
INSERT INTO entry (posting_id, customer_id, other_id, programme, account_type, amount, balance_after, seal)
SELECT e.*, entry_seal(e.id, e.customer_id, e.type, e.amount, e.balance_after)
FROM (
  SELECT p.id, p.customer_id, CAST(:other_id AS uuid), CAST(:programme AS text), t.type,
         (CAST(:amounts AS bigint[]))[(p.place - 1) * cardinality(CAST(:types AS text[])) + t.place],
         (CAST(:balances AS bigint[]))[(p.place - 1) * cardinality(CAST(:types AS text[])) + t.place]
  FROM p CROSS JOIN unnest(CAST(:types AS text[])) WITH ORDINALITY AS t (type, place)
) AS e (id, customer_id, other_id, programme, type, amount, balance_after)
"""
_GIVEN = """
SELECT p.cause_id, p.cause_part FROM posting p
JOIN unnest(CAST(:causes AS uuid[]), CAST(:parts AS text[])) AS g (cause_id, part)
  ON p.cause_id = g.cause_id AND p.cause_part = g.part
WHERE p.kind = 'earned'
"""
_GIFTS = """
SELECT p.cause_id, p.cause_part, coalesce(s.to_id, o.customer_id, p.customer_id), e.account_type, e.amount
FROM posting p JOIN entry e ON e.posting_id = p.id LEFT JOIN parted_posting o ON o.posting_id = p.id
LEFT JOIN customer_alias s ON s.from_id = coalesce(o.customer_id, p.customer_id)
JOIN unnest(CAST(:causes AS uuid[]), CAST(:parts AS text[])) AS g (cause_id, part)
  ON p.cause_id = g.cause_id AND p.cause_part = g.part
WHERE p.kind = 'earned' AND NOT EXISTS (
  SELECT FROM posting r WHERE r.cause_id = p.cause_id AND r.cause_part = p.cause_part AND r.kind = 'reversed')
ORDER BY p.id, e.account_type
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
RETURNING new.type, new.available + new.pending + new.reserved AS held,
  new.available + new.pending + new.reserved - coalesce(old.available + old.pending + old.reserved, 0) AS moved
"""
# What moved the accounts of all who are one by now, but for what they moved among themselves: so amounts sum to what
# there is, and balances are walked back from there. What another gained of theirs they lost. Each by its index, a page
# of each at most.
_POSTINGS = """
WITH family (id) AS (
  SELECT CAST(:customer_id AS uuid) UNION ALL SELECT from_id FROM customer_alias WHERE to_id = :customer_id),
moved AS (
  SELECT m.* FROM family f CROSS JOIN LATERAL (
    SELECT p.id, p.at, p.kind, e.amount, p.event_id, p.order_id, p.rule, p.reason
    FROM posting p JOIN entry e ON e.posting_id = p.id AND e.account_type = :account_type
    WHERE p.customer_id = f.id AND (CAST(:after AS uuid) IS NULL OR p.id < CAST(:after AS uuid))
      AND (e.other_id IS NULL OR e.other_id <> ALL(ARRAY(SELECT id FROM family)))
    ORDER BY p.id DESC LIMIT :limit) AS m
  UNION ALL
  SELECT m.* FROM family f CROSS JOIN LATERAL (
    SELECT p.id, p.at, p.kind, -e.amount, p.event_id, p.order_id, p.rule, p.reason
    FROM entry e JOIN posting p ON p.id = e.posting_id
    WHERE e.other_id = f.id AND e.account_type = :account_type
      AND (CAST(:after AS uuid) IS NULL OR e.posting_id < CAST(:after AS uuid))
      AND e.customer_id <> ALL(ARRAY(SELECT id FROM family))
    ORDER BY e.posting_id DESC LIMIT :limit) AS m),
held (balance) AS (
  SELECT coalesce(CAST(:balance AS bigint), (SELECT available + pending + reserved FROM account
                                             WHERE customer_id = :customer_id AND type = :account_type)))
SELECT m.*, CAST(:account_type AS text) AS account_type,
       CAST(h.balance - coalesce(sum(m.amount) OVER newer, 0) AS bigint) AS balance_after
FROM moved m CROSS JOIN held h
WINDOW newer AS (ORDER BY m.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER BY m.id DESC LIMIT :limit
"""
# A merged customer's postings stay where they were made; the transfer is not history of its own. OFFSET 0: from each
# posting to its entry by its index; on tables that have grown since they were last looked at PostgreSQL would read
# every entry there is instead.
_HISTORY = f"""
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
mine AS ({owned("p.id, p.at", "p.kind <> 'transferred'")})
SELECT m.root AS customer_id, m.at, sum(e.amount)::bigint AS amount
FROM mine m
CROSS JOIN LATERAL (SELECT amount FROM entry WHERE posting_id = m.id AND account_type = :account_type OFFSET 0) AS e
GROUP BY m.root, m.at ORDER BY m.root, m.at
"""  # noqa: S608


async def add(tx: Transaction, accounts: Sequence[Touched]) -> None:
    """Open the accounts that are missing, add what the run adds, and tell each account what it came to."""
    result = await tx.execute(
        _ADD,
        customers=[account.customer_id for account in accounts],
        types=[account.account_type for account in accounts],
        last_at=[account.last_at for account in accounts],
        earned=[account.earned for account in accounts],
        reversed=[account.reversed for account in accounts],
        adjusted=[account.adjusted for account in accounts] if any(one.adjusted for one in accounts) else None,
        pending=[account.pending for account in accounts] if any(one.pending for one in accounts) else None,
    )
    outcome = {(row[0], row[1]): row for row in result.records}
    for account in accounts:
        _, _, account.before_at, account.balance, account.reversed_total, account.owed_before = outcome[account.key]
        account.walked_back = account.balance


async def append(
    tx: Transaction,
    runs: Iterable[Run],
    ids: Sequence[UUID],
    postings: Sequence[Posting],
    balances: Sequence[Sequence[int]],
    *,
    now: datetime | None = None,
) -> None:
    """Store postings against a programme account, and the lots they begin, with one statement for each run.

    A second posting for the same cause and kind fails.
    """
    for basis, places, lots in runs:
        await tx.execute(
            _APPEND,
            **_columns([ids[place] for place in places], [postings[place] for place in places]),
            **_lot_columns(lots, now),
            amounts=[amount for place in places for amount in postings[place].amounts],
            balances=[balance for place in places for balance in balances[place]],
            other_id=None,
            programme=basis.programme,
        )


async def append_transfer(tx: Transaction, id_: UUID, posting: Posting, balances: Mapping[str, int]) -> None:
    """Store a posting between two customers; `balances` are those of the one who gains, by account type."""
    await tx.execute(
        _APPEND,
        **_columns([id_], [posting]),
        **_lot_columns(NewLots(), None),
        amounts=posting.amounts,
        balances=[balances[type_] for type_ in posting.basis.account_types],
        other_id=posting.other_id,
        programme=None,
    )


def _columns(ids: Sequence[UUID], postings: Sequence[Posting]) -> dict[str, object]:
    causes = [posting.cause for posting in postings]
    numbers: dict[int, int] = {}
    bases: list[Basis] = []
    for posting in postings:
        basis = posting.basis
        if id(basis) not in numbers:
            bases.append(basis)
            numbers[id(basis)] = len(bases)
    shared = bases[0]
    return {
        "kind": shared.kind.value,
        "types": shared.account_types,
        "pending": shared.pending,
        "ids": ids,
        "customers": [posting.customer_id for posting in postings],
        "at": [posting.at for posting in postings],
        "cause_ids": [cause.id for cause in causes],
        "parts": [cause.part for cause in causes],
        "event_ids": [cause.event_id for cause in causes],
        "order_ids": [cause.order_id for cause in causes],
        "bases": [numbers[id(posting.basis)] for posting in postings],
        "reasons": [basis.reason for basis in bases],
        "rules": [basis.rule for basis in bases],
        "matched": [basis.matched for basis in bases],
    }


def _lot_columns(lots: NewLots, now: datetime | None) -> dict[str, object]:
    return {
        "lot_types": lots.types,
        "lot_days": lots.days,
        "lot_places": lots.places,
        "expires": lots.expires,
        "idle_days": lots.idle_days,
        "now": now,
    }


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> dict[str, tuple[int, int]]:
    """Move balances and lifetime totals; by account type the survivor's balance and how much of it came by this."""
    rows: Sequence[Any] = await tx.all(_MOVE, from_id=from_id, to_id=to_id)
    return {row.type: (row.held, row.moved) for row in rows}


async def held(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[AccountKey, Balance]:
    """The accounts of these customers."""
    rows: Sequence[Any] = await tx.all(_HELD, ids=list(customer_ids))
    return {(row[0], row[1]): Balance(*row[2:]) for row in rows}


async def postings_of(
    tx: Transaction, customer_id: UUID, account_type: str, *, after: tuple[UUID, int] | None, limit: int
) -> Sequence[Row[Any]]:
    """A customer's statement of account in one type, newest first; `after`: a posting, and the balance before it."""
    id_, balance = after or (None, None)
    return await tx.all(
        _POSTINGS, customer_id=customer_id, account_type=account_type, after=id_, balance=balance, limit=limit
    )


async def history(
    tx: Transaction, customer_ids: Iterable[UUID], account_type: str
) -> dict[UUID, list[tuple[datetime, int]]]:
    """What each customer's account (those merged into him included) gained or lost at each instant, ascending."""
    out: dict[UUID, list[tuple[datetime, int]]] = {}
    rows: Sequence[Any] = await tx.all(_HISTORY, ids=list(customer_ids), account_type=account_type)
    for row in rows:
        out.setdefault(row[0], []).append((row[1], row[2]))
    return out


async def given(tx: Transaction, causes: Sequence[Cause]) -> set[tuple[UUID, str]]:
    """Which of these causes something was given for."""
    rows: Sequence[Any] = await tx.all(_GIVEN, causes=[one.id for one in causes], parts=[one.part for one in causes])
    return {(row[0], row[1]) for row in rows}


async def gifts(tx: Transaction, causes: Sequence[Cause]) -> Sequence[Any]:
    """(cause id, part, customer, account type, points) of what was given for these and not taken back."""
    return await tx.all(_GIFTS, causes=[one.id for one in causes], parts=[one.part for one in causes])
