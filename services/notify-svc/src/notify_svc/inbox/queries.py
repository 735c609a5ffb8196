"""All SQL of the inbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from moat.kit.db.transaction import Transaction

_PAGE = """
SELECT id, at, template, template_version, values, read_at FROM message
WHERE customer_id = :customer_id AND channel = 'inbox' AND status = 'delivered'
  AND (CAST(:was_read AS boolean) IS NULL
       OR (read_at IS NOT NULL) > CAST(:was_read AS boolean)
       OR ((read_at IS NOT NULL) = CAST(:was_read AS boolean) AND (at, id) < (:before_at, CAST(:before_id AS uuid))))
ORDER BY (read_at IS NOT NULL), at DESC, id DESC LIMIT :limit
"""
_READ = """
UPDATE message SET read_at = coalesce(read_at, CAST(:at AS timestamptz))
WHERE id = :id AND customer_id = :customer_id AND channel = 'inbox' AND status = 'delivered'
RETURNING id, at, template, template_version, values, read_at
"""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message of the inbox, without its words."""

    id: UUID
    at: datetime
    template: str
    template_version: int
    values: dict[str, Any]
    read_at: datetime | None


async def page(
    tx: Transaction, customer_id: UUID, *, after: tuple[bool, datetime, UUID] | None, limit: int
) -> list[InboxRow]:
    """Unread first, then newest first, after a place, at most `limit`."""
    was_read, before_at, before_id = after or (None, None, None)
    rows = await tx.all(
        _PAGE, customer_id=customer_id, was_read=was_read, before_at=before_at, before_id=before_id, limit=limit
    )
    return [InboxRow(**row._mapping) for row in rows]


async def mark_read(tx: Transaction, id_: UUID, customer_id: UUID, *, at: datetime) -> InboxRow | None:
    """Mark one message of this customer as read, the first time counts; None when he has no such message."""
    row = await tx.first(_READ, id=id_, customer_id=customer_id, at=at)
    return InboxRow(**row._mapping) if row else None
