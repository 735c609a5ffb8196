"""The SQL of debits: what many customers spend or put aside at once is one conditional update."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from loyalty_svc.ledger.posting import AccountKey
from loyalty_svc.lots.queries import Held
from moat.kit.db.transaction import Transaction

# All are locked in order, those too that have too little: they are looked at again. Whoever waits for a row judges it
# as it is then. Where something has expired that nobody swept nor reserved, it has to be swept first.
_DEBIT = """
WITH w AS MATERIALIZED (
  SELECT a.customer_id, a.type, w.amount, w.spent, w.reserved
  FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:amounts AS bigint[]), CAST(:spent AS bigint[]),
              CAST(:reserved AS bigint[])) AS w (customer_id, type, amount, spent, reserved)
  JOIN account a ON a.customer_id = w.customer_id AND a.type = w.type
  ORDER BY a.customer_id, a.type FOR UPDATE OF a)
UPDATE account a SET available = a.available - w.amount, spent_total = a.spent_total + w.spent,
                     reserved = a.reserved + w.reserved, last_at = greatest(a.last_at, :now)
FROM w
WHERE a.customer_id = w.customer_id AND a.type = w.type AND a.available >= w.amount
  AND a.reserved >= (
    SELECT coalesce(sum(l.remaining), 0) FROM lot l
    WHERE l.customer_id = a.customer_id AND l.account_type = a.type AND l.remaining > 0
      AND l.expires_at <= :now AND NOT l.is_pending)
RETURNING a.customer_id, a.type, a.available + a.reserved, a.reserved, a.available + a.pending + a.reserved, old.last_at
"""
# Their rows are locked by now.
_UNDO = """
UPDATE account a SET available = a.available + w.amount, spent_total = a.spent_total - w.spent,
                     reserved = a.reserved - w.reserved, last_at = w.last_at
FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:amounts AS bigint[]), CAST(:spent AS bigint[]),
            CAST(:reserved AS bigint[]), CAST(:last_at AS timestamptz[]))
     AS w (customer_id, type, amount, spent, reserved, last_at)
WHERE a.customer_id = w.customer_id AND a.type = w.type
"""


class Debit(NamedTuple):
    """So many points (> 0) of what an account has available, to be spent or reserved."""

    key: AccountKey
    amount: int
    spent: int = 0
    reserved: int = 0


class Debited(NamedTuple):
    """What an account came to when points were taken; last_at: its latest instant before."""

    held: Held
    balance: int
    last_at: datetime


async def debit(tx: Transaction, debits: Sequence[Debit], *, now: datetime) -> dict[AccountKey, Debited]:
    """Take what each asks for, if there is as much; those are missing where there is not. One of each account."""
    rows: Sequence[Any] = await tx.all(_DEBIT, **_debits(debits), now=now)
    return {(row[0], row[1]): Debited(Held(row[2], row[3]), row[4], row[5]) for row in rows}


async def undo(tx: Transaction, debits: Sequence[tuple[Debit, Debited]]) -> None:
    """Let what this transaction has taken, and nothing was stored for, never have been taken."""
    if debits:
        await tx.execute(_UNDO, **_debits([debit for debit, _ in debits]), last_at=[one.last_at for _, one in debits])


def _debits(debits: Sequence[Debit]) -> dict[str, object]:
    return {
        "customers": [one.key[0] for one in debits],
        "types": [one.key[1] for one in debits],
        "amounts": [one.amount for one in debits],
        "spent": [one.spent for one in debits],
        "reserved": [one.reserved for one in debits],
    }
