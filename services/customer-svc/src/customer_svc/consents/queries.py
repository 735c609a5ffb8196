"""All SQL of consents, set-based."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from moat.kit.db.transaction import Transaction

_PUT: Final = """
INSERT INTO consent (customer_id, purpose, channel, status, evidence, at)
VALUES (:customer_id, :purpose, :channel, :status, :evidence, :at)
ON CONFLICT (customer_id, purpose, channel)
DO UPDATE SET status = excluded.status, evidence = excluded.evidence, at = excluded.at
RETURNING (SELECT status FROM consent old WHERE old.customer_id = :customer_id AND old.purpose = :purpose
           AND old.channel = :channel) AS former
"""
_OF: Final = """
SELECT customer_id, purpose, channel, status, evidence, at FROM consent
WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id, purpose, channel
"""
# The last word counts; of two in one instant the no.
_MOVE: Final = """
INSERT INTO consent (customer_id, purpose, channel, status, evidence, at)
SELECT DISTINCT ON (m.into_id, c.purpose, c.channel) m.into_id, c.purpose, c.channel, c.status, c.evidence, c.at
FROM consent c JOIN unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
  ON c.customer_id = m.from_id
ORDER BY m.into_id, c.purpose, c.channel, c.at DESC, c.status = 'granted'
ON CONFLICT (customer_id, purpose, channel)
DO UPDATE SET status = excluded.status, evidence = excluded.evidence, at = excluded.at
WHERE (excluded.at, excluded.status <> 'granted') > (consent.at, consent.status <> 'granted')
"""
_END: Final = """
DELETE FROM consent WHERE customer_id = ANY(CAST(:ids AS uuid[])) RETURNING customer_id, to_jsonb(consent) AS consent
"""


async def put(
    tx: Transaction, customer_id: UUID, purpose: str, channel: str, status: str, evidence: str | None, at: datetime
) -> str | None:
    """Write what a customer says now; the status before it, None if there was none."""
    former: str | None = await tx.scalar(
        _PUT, customer_id=customer_id, purpose=purpose, channel=channel, status=status, evidence=evidence, at=at
    )
    return former


async def of(tx: Transaction, ids: Collection[UUID]) -> Sequence[Any]:
    """Everything these customers have said."""
    return await tx.all(_OF, ids=list(ids))


async def move(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> dict[UUID, list[Any]]:
    """Give the consents of customers who were merged away to the survivors; what was theirs, by former customer."""
    from_ids, into_ids = [a for a, _ in pairs], [b for _, b in pairs]
    await tx.execute(_MOVE, from_ids=from_ids, into_ids=into_ids)
    moved: dict[UUID, list[Any]] = {}
    for row in await tx.all(_END, ids=from_ids):
        moved.setdefault(row.customer_id, []).append(row.consent)
    return moved
