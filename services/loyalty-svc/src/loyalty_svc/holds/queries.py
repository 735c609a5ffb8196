"""All SQL of holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.holds.holding import Hold
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.lots import queries as lots
from loyalty_svc.lots.queries import Held
from moat.kit.db.transaction import Transaction

_COLUMNS = """id, customer_id, account_type, amount, confirmed, status, made_at, until, resolved_at, reason, cause_id,
  cause_part, event_id, order_id, posting_id"""
_INSERT = f"""
INSERT INTO hold ({_COLUMNS}) VALUES (:id, :customer_id, :account_type, :amount, :confirmed, :status, :made_at, :until,
  :resolved_at, :reason, :cause_id, :cause_part, :event_id, :order_id, :posting_id)
"""  # noqa: S608
_LOCK = f"""
SELECT {_COLUMNS} FROM hold WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
"""  # noqa: S608
_RESOLVE = """
UPDATE hold h SET status = r.status, confirmed = r.confirmed, resolved_at = r.resolved_at, posting_id = r.posting_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:confirmed AS bigint[]),
            CAST(:resolved_at AS timestamptz[]), CAST(:postings AS uuid[]))
     AS r (id, status, confirmed, resolved_at, posting_id)
WHERE h.id = r.id
"""
_TAKE_RESERVED = """
UPDATE account SET reserved = reserved - :amount, available = available + :amount - :points,
  spent_total = spent_total + :points, last_at = greatest(last_at, :now)
WHERE customer_id = :customer_id AND type = :account_type
RETURNING available + reserved, reserved, available + pending + reserved
"""
# The accounts are locked in their order before.
_GIVE_BACK = """
UPDATE account a SET reserved = a.reserved - b.amount, available = a.available + b.amount
FROM (SELECT customer_id, account_type, sum(amount)::bigint AS amount
      FROM unnest(CAST(:customers AS uuid[]), CAST(:types AS text[]), CAST(:amounts AS bigint[]))
           AS h (customer_id, account_type, amount) GROUP BY 1, 2) AS b
WHERE a.customer_id = b.customer_id AND a.type = b.account_type
"""
_MOVE = "UPDATE hold SET customer_id = :to_id WHERE customer_id = :from_id"
_PAGE = f"""
SELECT {_COLUMNS} FROM hold
WHERE customer_id = :customer_id AND (CAST(:status AS text) IS NULL OR status = :status)
  AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608


async def insert(tx: Transaction, hold: Hold) -> None:
    """Keep a hold that was made."""
    await tx.execute(
        _INSERT,
        id=hold.id,
        customer_id=hold.customer_id,
        account_type=hold.account_type,
        amount=hold.amount,
        confirmed=hold.confirmed,
        status=hold.status,
        made_at=hold.made_at,
        until=hold.until,
        resolved_at=hold.resolved_at,
        reason=hold.reason,
        cause_id=hold.cause.id,
        cause_part=hold.cause.part,
        event_id=hold.cause.event_id,
        order_id=hold.cause.order_id,
        posting_id=hold.posting_id,
    )


async def lock(tx: Transaction, ids: Sequence[UUID]) -> list[Hold]:
    """Lock those of these holds that exist, in the order of their ids."""
    return [_read(row) for row in await tx.all(_LOCK, ids=list(ids))]


async def resolve(tx: Transaction, holds: Sequence[Hold]) -> None:
    """Keep how these ended."""
    await tx.execute(
        _RESOLVE,
        ids=[hold.id for hold in holds],
        statuses=[hold.status for hold in holds],
        confirmed=[hold.confirmed for hold in holds],
        resolved_at=[hold.resolved_at for hold in holds],
        postings=[hold.posting_id for hold in holds],
    )


async def take_reserved(tx: Transaction, hold: Hold, points: int, now: datetime) -> tuple[Held, int]:
    """Take what a hold reserved, `points` of it for good; what the account holds then, and its balance."""
    row: Any = await tx.one(
        _TAKE_RESERVED,
        customer_id=hold.customer_id,
        account_type=hold.account_type,
        amount=hold.amount,
        points=points,
        now=now,
    )
    return Held(row[0], row[1]), row[2]


async def give_back(tx: Transaction, holds: Sequence[Hold]) -> None:
    """Make what these reserved available again, and keep how they ended."""
    await lots.lock(tx, {(hold.customer_id, hold.account_type) for hold in holds})
    await tx.execute(
        _GIVE_BACK,
        customers=[hold.customer_id for hold in holds],
        types=[hold.account_type for hold in holds],
        amounts=[hold.amount for hold in holds],
    )
    await resolve(tx, holds)


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """All holds of one customer are another's."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def page(tx: Transaction, customer_id: UUID, status: str | None, *, after: UUID | None, limit: int) -> list[Hold]:
    """A customer's holds, newest first, before the hold `after`."""
    rows = await tx.all(_PAGE, customer_id=customer_id, status=status, after=after, limit=limit)
    return [_read(row) for row in rows]


def _read(row: Any) -> Hold:
    cause = Cause(row.cause_id, row.cause_part, row.event_id, row.order_id)
    return Hold(
        row.id,
        row.customer_id,
        row.account_type,
        row.amount,
        row.confirmed,
        row.status,
        row.made_at,
        row.until,
        row.resolved_at,
        row.reason,
        cause,
        row.posting_id,
    )
