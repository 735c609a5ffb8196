"""All SQL of the intake's own table, set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from customer_svc.intake.facts import Fact
from moat.kit.db.transaction import Transaction

_KNOWN: Final = """
SELECT source, event_id FROM unnest(CAST(:sources AS text[]), CAST(:event_ids AS text[])) AS w (source, event_id)
JOIN fact USING (source, event_id)
"""
_INSERT: Final = """
INSERT INTO fact (source, event_id, type, at, customer_id, order_uid, data, origin_id, recorded_at)
SELECT *, :recorded_at FROM unnest(CAST(:sources AS text[]), CAST(:event_ids AS text[]), CAST(:types AS text[]),
                                   CAST(:at AS timestamptz[]), CAST(:customer_ids AS uuid[]),
                                   CAST(:order_uids AS uuid[]), CAST(:data AS jsonb[]),
                                   CAST(:origin_ids AS uuid[]))
ON CONFLICT (source, event_id) DO NOTHING
"""
_MOVE: Final = """
UPDATE fact f SET customer_id = m.into_id, origin_id = coalesce(f.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
WHERE f.customer_id = m.from_id
"""
_MOVE_ORDERS: Final = """
UPDATE fact f SET customer_id = m.into_id
FROM unnest(CAST(:order_uids AS uuid[]), CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[]))
  AS m (order_uid, from_id, into_id)
WHERE f.customer_id = m.from_id AND f.order_uid = m.order_uid
"""


async def known(tx: Transaction, names: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these facts (source, id) were taken before."""
    rows = await tx.all(_KNOWN, sources=[source for source, _ in names], event_ids=[id_ for _, id_ in names])
    return {(row.source, row.event_id) for row in rows}


async def insert(tx: Transaction, facts: Sequence[Fact], recorded_at: datetime) -> bool:
    """Write facts; False if another transaction has written one of them meanwhile."""
    result = await tx.execute(
        _INSERT,
        sources=[fact.source for fact in facts],
        event_ids=[fact.event_id for fact in facts],
        types=[fact.type for fact in facts],
        at=[fact.at for fact in facts],
        customer_ids=[fact.customer_id for fact in facts],
        order_uids=[fact.order_uid for fact in facts],
        data=[fact.data for fact in facts],
        origin_ids=[fact.origin_id for fact in facts],
        recorded_at=recorded_at,
    )
    return result.rowcount == len(facts)


async def move(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Give all facts of customers who were merged away to the survivors: (from, into)."""
    await tx.execute(_MOVE, from_ids=[a for a, _ in pairs], into_ids=[b for _, b in pairs])


async def move_orders(tx: Transaction, moves: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Give the facts of an order to another customer: (order, from, into)."""
    order_uids, from_ids, into_ids = map(list, zip(*moves, strict=True))
    await tx.execute(_MOVE_ORDERS, order_uids=order_uids, from_ids=from_ids, into_ids=into_ids)
