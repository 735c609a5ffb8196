"""All SQL of warnings, and of when there is work."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import ZONE
from moat.kit.db.transaction import Transaction

# A day of an account is told of once, however often this runs.
_WARN = """
WITH soon AS (
  SELECT customer_id, (expires_at AT TIME ZONE :zone)::date AS expires_on, sum(remaining)::bigint AS amount,
         min(expires_at) AS expires_at
  FROM lot l
  WHERE remaining > 0 AND account_type = :account_type AND expires_at > :now AND expires_at < :until
    AND NOT EXISTS (SELECT FROM expiry_warning w
                    WHERE w.customer_id = l.customer_id AND w.account_type = l.account_type
                      AND w.expires_on = (l.expires_at AT TIME ZONE :zone)::date)
  GROUP BY 1, 2 ORDER BY 2, 1 LIMIT :limit),
told AS (
  INSERT INTO expiry_warning (customer_id, account_type, expires_on, amount, warned_at)
  SELECT customer_id, :account_type, expires_on, amount, :now FROM soon
  ON CONFLICT DO NOTHING RETURNING customer_id, expires_on)
SELECT s.customer_id, s.expires_on, s.amount, s.expires_at
FROM soon s JOIN told t ON t.customer_id = s.customer_id AND t.expires_on = s.expires_on
ORDER BY s.expires_on, s.customer_id
"""
# Who was warned as somebody else was warned.
_MOVE = """
WITH gone AS (DELETE FROM expiry_warning WHERE customer_id = :from_id RETURNING *)
INSERT INTO expiry_warning (customer_id, account_type, expires_on, amount, warned_at)
SELECT CAST(:to_id AS uuid), account_type, expires_on, amount, warned_at FROM gone
ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM expiry_warning WHERE expires_on < :day"
# What keeps itself going is set anew where somebody lost it.
_KEEP_GOING = """
INSERT INTO timer (kind, key, due_at, payload)
SELECT kind, key, due_at, '{}'
FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[]), CAST(:due AS timestamptz[])) AS t (kind, key, due_at)
ON CONFLICT (kind, key) DO NOTHING
"""
_EXPIRING = """
SELECT account_type, sum(remaining)::bigint AS amount, min(expires_at) AS first_at
FROM lot l JOIN unnest(CAST(:types AS text[]), CAST(:until AS timestamptz[])) AS t (account_type, until)
  USING (account_type)
WHERE customer_id = :customer_id AND remaining > 0 AND expires_at > :now AND expires_at < until GROUP BY 1
"""


class Expiring(NamedTuple):
    """Points of one customer that expire on one day, the first of them at an instant."""

    customer_id: UUID
    expires_on: date
    amount: int
    expires_at: datetime


async def warn(tx: Transaction, account_type: str, *, now: datetime, until: datetime, limit: int) -> list[Expiring]:
    """Note who is to be warned of what expires before an instant, and who was not; those."""
    rows: Sequence[Any] = await tx.all(
        _WARN, account_type=account_type, now=now, until=until, zone=str(ZONE), limit=limit
    )
    return [Expiring(*row) for row in rows]


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """Warnings of one customer are another's."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def forget(tx: Transaction, day: date) -> None:
    """Drop warnings of days before this one."""
    await tx.execute(_FORGET, day=day)


async def keep_going(tx: Transaction, timers: Iterable[tuple[str, str, datetime]]) -> None:
    """Set these timers (kind, key, when) where they are missing."""
    listed = list(timers)
    await tx.execute(
        _KEEP_GOING,
        kinds=[kind for kind, _, _ in listed],
        keys=[key for _, key, _ in listed],
        due=[due_at for _, _, due_at in listed],
    )


async def expiring(
    tx: Transaction, customer_id: UUID, until: dict[str, datetime], *, now: datetime
) -> dict[str, tuple[int, datetime]]:
    """By account type what of a customer's points expires before an instant, and when the first does."""
    rows: Sequence[Any] = await tx.all(
        _EXPIRING, customer_id=customer_id, types=list(until), until=list(until.values()), now=now
    )
    return {row[0]: (row[1], row[2]) for row in rows}
