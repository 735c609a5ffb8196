"""All SQL of lots. Whoever changes lots holds the lock of their account."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.lots.lots import Change, Lot
from moat.kit.db.transaction import Transaction

AccountKey = tuple[UUID, str]

_LOCK = """
SELECT a.customer_id, a.type, a.available + a.reserved, a.reserved
FROM account a JOIN unnest(CAST(:customers AS uuid[]), CAST(:types AS text[])) AS k (customer_id, type)
  ON a.customer_id = k.customer_id AND a.type = k.type
ORDER BY a.customer_id, a.type FOR UPDATE OF a
"""
# Their rows are locked by now.
_CORRECT = """
UPDATE account a SET available = a.available + c.available, pending = a.pending + c.pending,
                     expired_total = a.expired_total + c.expired
FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:available AS bigint[]),
            CAST(:pending AS bigint[]), CAST(:expired AS bigint[]))
     AS c (customer_id, type, available, pending, expired)
WHERE a.customer_id = c.customer_id AND a.type = c.type
RETURNING a.customer_id, a.type, a.available + a.pending + a.reserved
"""
# The open lots of these accounts, and those of these causes that may be empty by now.
_LOAD = """
WITH k AS (SELECT * FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[])) AS k (customer_id, account_type)),
found AS (
  SELECT l.* FROM k JOIN lot l USING (customer_id, account_type) WHERE l.remaining > 0
  UNION
  SELECT l.* FROM posting p JOIN lot l ON l.posting_id = p.id
  JOIN k ON k.customer_id = l.customer_id AND k.account_type = l.account_type
  WHERE p.cause_id = ANY(CAST(:causes AS uuid[])) AND p.kind = 'earned')
SELECT l.posting_id, l.customer_id, l.account_type, p.cause_id, p.cause_part, l.earned_at, l.available_at, l.expires_at,
       l.amount, l.remaining, l.reversed, l.expired, l.expiries, l.is_pending
FROM found l JOIN posting p ON p.id = l.posting_id ORDER BY l.customer_id, l.account_type, l.posting_id
"""
_SAVE = """
UPDATE lot l SET remaining = s.remaining, reversed = s.reversed, expired = s.expired, expiries = s.expiries,
                 is_pending = s.is_pending
FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:remaining AS bigint[]), CAST(:reversed AS bigint[]),
            CAST(:expired AS bigint[]), CAST(:expiries AS integer[]), CAST(:pending AS boolean[]))
     AS s (posting_id, account_type, remaining, reversed, expired, expiries, is_pending)
WHERE l.posting_id = s.posting_id AND l.account_type = s.account_type
"""
_MOVE = "UPDATE lot SET customer_id = :to_id WHERE customer_id = :from_id"
# A lot lives on while no more days than its own lie between one award and the next, of whatever expiry, also one that
# was spent or taken back since: so it ends the same whatever became known first. What expired before an award was known
# that closes the gap comes back.
_KEEP_ALIVE = """
WITH mine AS MATERIALIZED (
  SELECT l.customer_id, l.account_type, l.earned_at, l.idle_days, l.remaining > 0 OR l.expired > 0 AS is_left
  FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[])) AS k (customer_id, account_type)
  JOIN lot l USING (customer_id, account_type) WHERE l.idle_days IS NOT NULL),
awards AS (SELECT DISTINCT customer_id, account_type, earned_at FROM mine),
policies AS (SELECT DISTINCT customer_id, account_type, idle_days FROM mine WHERE idle_days > 0 AND is_left),
steps AS (
  SELECT customer_id, account_type, idle_days, earned_at, make_interval(days => idle_days) AS lives,
         lead(earned_at) OVER (PARTITION BY customer_id, account_type, idle_days ORDER BY earned_at) AS next_at
  FROM policies JOIN awards USING (customer_id, account_type)),
ends AS (
  SELECT customer_id, account_type, idle_days, earned_at,
         lives + min(earned_at) FILTER (WHERE next_at IS NULL OR next_at > earned_at + lives) OVER (
           PARTITION BY customer_id, account_type, idle_days ORDER BY earned_at
           ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until
  FROM steps)
UPDATE lot l SET expires_at = e.until FROM ends e, posting p
WHERE l.customer_id = e.customer_id AND l.account_type = e.account_type AND l.idle_days = e.idle_days
  AND l.earned_at = e.earned_at AND l.expires_at < e.until AND p.id = l.posting_id
  AND (l.remaining > 0 OR (l.expired > 0 AND e.until > CAST(:now AS timestamptz)))
RETURNING l.customer_id, l.account_type, l.posting_id, p.cause_id, old.expires_at,
          l.expired > 0 AND coalesce(e.until > CAST(:now AS timestamptz), false)
"""
# The first that are due, by their index: what has expired in an account without holds goes, so each slice gets on.
_DUE = """
SELECT l.customer_id, l.account_type FROM lot l
JOIN account a ON a.customer_id = l.customer_id AND a.type = l.account_type
WHERE l.remaining > 0 AND NOT l.is_pending AND l.expires_at <= :now AND a.reserved <= 0
ORDER BY l.expires_at LIMIT :limit
"""
# Where holds keep points, what they keep stays although it is due.
_DUE_BESIDE_HOLDS = """
SELECT l.customer_id, l.account_type FROM account a
JOIN lot l ON l.customer_id = a.customer_id AND l.account_type = a.type
WHERE a.reserved > 0 AND l.remaining > 0 AND NOT l.is_pending AND l.expires_at <= :now
GROUP BY 1, 2, a.reserved HAVING sum(l.remaining) > a.reserved ORDER BY 1, 2 LIMIT :limit
"""
_RIPE = """
SELECT DISTINCT customer_id, account_type FROM lot WHERE is_pending AND available_at <= :now ORDER BY 1, 2 LIMIT :limit
"""
_NEXT_DUE = "SELECT min(expires_at) FROM lot WHERE remaining > 0 AND expires_at > :now"
_PAGE = """
SELECT l.posting_id, l.account_type, l.earned_at, l.available_at, l.expires_at, l.amount, l.remaining, l.is_pending,
       coalesce(l.expires_at, '9999-01-01T00:00Z') AS place
FROM lot l
WHERE l.customer_id = :customer_id AND l.account_type = :account_type AND l.remaining > 0
  AND (CAST(:after_id AS uuid) IS NULL OR (coalesce(l.expires_at, '9999-01-01T00:00Z'), l.posting_id)
       > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
ORDER BY coalesce(l.expires_at, '9999-01-01T00:00Z'), l.posting_id LIMIT :limit
"""


class Held(NamedTuple):
    """What a locked account holds: free is `available + reserved`."""

    free: int
    reserved: int


class Revived(NamedTuple):
    """A lot, by its posting and its cause, that had expired at an instant until an award became known that keeps it."""

    posting_id: UUID
    cause_id: UUID
    expired_at: datetime


async def lock(tx: Transaction, accounts: Iterable[AccountKey]) -> dict[AccountKey, Held]:
    """Lock accounts in order; those that do not exist are missing."""
    keys = list(accounts)
    rows: Sequence[Any] = await tx.all(_LOCK, customers=[key[0] for key in keys], types=[key[1] for key in keys])
    return {(row[0], row[1]): Held(row[2], row[3]) for row in rows}


async def correct(tx: Transaction, changes: Mapping[AccountKey, Change]) -> dict[AccountKey, int]:
    """Change accounts that are locked as their lots were settled; what each holds then."""
    rows: Sequence[Any] = await tx.all(
        _CORRECT,
        customers=[key[0] for key in changes],
        types=[key[1] for key in changes],
        available=[change.available for change in changes.values()],
        pending=[-change.from_pending for change in changes.values()],
        expired=[sum(one.points for one in change.expired) for change in changes.values()],
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def load(
    tx: Transaction, accounts: Iterable[AccountKey], causes: Collection[UUID]
) -> dict[AccountKey, list[Lot]]:
    """The open lots of these accounts by account, and of their others those of these causes."""
    keys = list(accounts)
    found: dict[AccountKey, list[Lot]] = {key: [] for key in keys}
    rows: Sequence[Any] = await tx.all(
        _LOAD, customers=[key[0] for key in keys], types=[key[1] for key in keys], causes=list(causes)
    )
    for row in rows:
        found[row[1], row[2]].append(Lot(*row))
    return found


async def save(tx: Transaction, lots: Sequence[Lot]) -> None:
    """Keep lots as they are now."""
    if not lots:
        return
    await tx.execute(
        _SAVE,
        ids=[lot.posting_id for lot in lots],
        types=[lot.account_type for lot in lots],
        remaining=[lot.remaining for lot in lots],
        reversed=[lot.reversed for lot in lots],
        expired=[lot.expired for lot in lots],
        expiries=[lot.expiries for lot in lots],
        pending=[lot.is_pending for lot in lots],
    )


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """All lots of one customer are another's."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def keep_alive(
    tx: Transaction, accounts: Iterable[AccountKey], now: datetime | None
) -> dict[AccountKey, list[Revived]]:
    """Let awards keep each other alive in accounts that live on activity and are locked, as far as they reach.

    Returns what had expired and, judged at `now`, should not have: those who settle the accounts bring it back.
    """
    keys = list(accounts)
    rows: Sequence[Any] = await tx.all(
        _KEEP_ALIVE, customers=[key[0] for key in keys], types=[key[1] for key in keys], now=now
    )
    found: dict[AccountKey, list[Revived]] = {}
    for customer_id, account_type, posting_id, cause_id, expired_at, is_revived in rows:
        if is_revived:
            found.setdefault((customer_id, account_type), []).append(Revived(posting_id, cause_id, expired_at))
    return found


async def due(tx: Transaction, now: datetime, *, limit: int) -> tuple[list[AccountKey], bool]:
    """Accounts with points that have expired by now and are not reserved, of `limit` lots; and whether there are more.

    First those without holds.
    """
    rows: Sequence[Any] = await tx.all(_DUE, now=now, limit=limit)
    keys: list[AccountKey] = sorted({(row[0], row[1]) for row in rows})
    if len(rows) < limit:
        beside: Sequence[Any] = await tx.all(_DUE_BESIDE_HOLDS, now=now, limit=limit)
        keys += [(row[0], row[1]) for row in beside]
        return keys, len(beside) == limit
    return keys, True


async def ripe(tx: Transaction, now: datetime, *, limit: int) -> list[AccountKey]:
    """Accounts with points that have come of age by now."""
    rows: Sequence[Any] = await tx.all(_RIPE, now=now, limit=limit)
    return [(row[0], row[1]) for row in rows]


async def next_due(tx: Transaction, now: datetime) -> datetime | None:
    """When the next lot expires."""
    found: datetime | None = await tx.scalar(_NEXT_DUE, now=now)
    return found


async def page(
    tx: Transaction, customer_id: UUID, account_type: str, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Any]:
    """A customer's open lots, those that expire first at the head."""
    at, id_ = after or (None, None)
    return await tx.all(
        _PAGE, customer_id=customer_id, account_type=account_type, after_at=at, after_id=id_, limit=limit
    )
