"""All SQL of the timeline, set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from customer_svc.timeline.entries import Entry
from moat.kit.db.transaction import Transaction

_INSERT: Final = """
INSERT INTO timeline (id, customer_id, at, kind, event_id, order_uid, data)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:at AS timestamptz[]),
                     CAST(:kinds AS text[]), CAST(:event_ids AS text[]), CAST(:order_uids AS uuid[]),
                     CAST(:data AS jsonb[]))
ON CONFLICT (id) DO NOTHING
"""
_MOVE: Final = """
UPDATE timeline t SET customer_id = m.into_id, origin_id = coalesce(t.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
WHERE t.customer_id = m.from_id
"""
_MOVE_ORDERS: Final = """
UPDATE timeline t SET customer_id = m.into_id
FROM unnest(CAST(:order_uids AS uuid[]), CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[]))
  AS m (order_uid, from_id, into_id)
WHERE t.customer_id = m.from_id AND t.order_uid = m.order_uid
"""
_PAGE: Final = """
SELECT id, at, kind, event_id, data FROM timeline
WHERE customer_id = :customer_id
  AND (CAST(:kind AS text) IS NULL OR kind = :kind OR starts_with(kind, CAST(:kind AS text) || '.'))
  AND (CAST(:after_at AS timestamptz) IS NULL OR (at, id) < (:after_at, CAST(:after_id AS uuid)))
ORDER BY at DESC, id DESC LIMIT :limit
"""


async def add(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Write entries; one that stands already stays as it is."""
    await tx.execute(
        _INSERT,
        ids=[entry.id for entry in entries],
        customer_ids=[entry.customer_id for entry in entries],
        at=[entry.at for entry in entries],
        kinds=[entry.kind for entry in entries],
        event_ids=[entry.event_id for entry in entries],
        order_uids=[entry.order_uid for entry in entries],
        data=[entry.data for entry in entries],
    )


async def move(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Give all entries of customers who were merged away to the survivors: (from, into)."""
    await tx.execute(_MOVE, from_ids=[a for a, _ in pairs], into_ids=[b for _, b in pairs])


async def move_orders(tx: Transaction, moves: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Give what is told of an order to another customer: (order, from, into)."""
    order_uids, from_ids, into_ids = map(list, zip(*moves, strict=True))
    await tx.execute(_MOVE_ORDERS, order_uids=order_uids, from_ids=from_ids, into_ids=into_ids)


async def page(
    tx: Transaction, customer_id: UUID, *, kind: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Any]:
    """Entries of one customer, newest first; `kind` is one kind, or a family (`order`)."""
    return await tx.all(
        _PAGE,
        customer_id=customer_id,
        kind=kind,
        after_at=after[0] if after else None,
        after_id=after[1] if after else None,
        limit=limit,
    )
