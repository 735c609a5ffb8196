"""All SQL of adjustments."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from loyalty_svc.adjustments.correcting import Adjustment
from moat.kit.db.transaction import Transaction

_COLUMNS = """id, customer_id, account_type, amount, reason, status, asked_by, asked_at, decided_by, decided_at, note,
  posting_id"""
_INSERT = f"""
INSERT INTO adjustment ({_COLUMNS}) VALUES (:id, :customer_id, :account_type, :amount, :reason, :status, :asked_by,
  :asked_at, :decided_by, :decided_at, :note, :posting_id)
"""  # noqa: S608
_LOCK = f"SELECT {_COLUMNS} FROM adjustment WHERE id = :id FOR UPDATE"  # noqa: S608
_DECIDE = """
UPDATE adjustment SET status = :status, decided_by = :decided_by, decided_at = :decided_at, note = :note,
  posting_id = :posting_id
WHERE id = :id
"""
_MOVE = """
UPDATE adjustment SET customer_id = :to_id, origin_id = coalesce(origin_id, CAST(:from_id AS uuid))
WHERE customer_id = :from_id
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM adjustment
WHERE (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
  AND (CAST(:status AS text) IS NULL OR status = :status) AND (CAST(:after AS uuid) IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608


async def insert(tx: Transaction, one: Adjustment) -> None:
    """Keep what was asked for."""
    await tx.execute(
        _INSERT,
        id=one.id,
        customer_id=one.customer_id,
        account_type=one.account_type,
        amount=one.amount,
        reason=one.reason,
        status=one.status,
        asked_by=one.asked_by,
        asked_at=one.asked_at,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        note=one.note,
        posting_id=one.posting_id,
    )


async def lock(tx: Transaction, id_: UUID) -> Adjustment | None:
    """Lock one."""
    row: Any = await tx.first(_LOCK, id=id_)
    return None if row is None else Adjustment(*row)


async def decide(tx: Transaction, one: Adjustment) -> None:
    """Keep what was decided."""
    await tx.execute(
        _DECIDE,
        id=one.id,
        status=one.status,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        note=one.note,
        posting_id=one.posting_id,
    )


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """All adjustments of one customer are another's."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def page(
    tx: Transaction, *, customer_id: UUID | None, status: str | None, after: UUID | None, limit: int
) -> list[Adjustment]:
    """Adjustments of one customer or of all, newest first, before the one `after`."""
    rows: Sequence[Any] = await tx.all(_PAGE, customer_id=customer_id, status=status, after=after, limit=limit)
    return [Adjustment(*row) for row in rows]
