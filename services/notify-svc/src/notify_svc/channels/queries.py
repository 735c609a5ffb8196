"""All SQL of the dispatcher: taking what waits, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from moat.kit.db.transaction import Transaction

# The database clock decides the lease, so a worker with a skewed clock cannot take what another is sending.
_TAKE = """
UPDATE message SET next_attempt_at = clock_timestamp() + make_interval(secs => :lease), attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE status = 'deferred' AND next_attempt_at <= clock_timestamp()
             ORDER BY next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING id, customer_id, template, template_version, happened_at, values, cause, attempts
"""
_SETTLE = """
UPDATE message m SET status = t.status, reason = t.reason, next_attempt_at = NULL
FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:reasons AS text[])) AS t (id, status, reason)
WHERE m.id = t.id AND m.status = 'deferred'
RETURNING m.id, m.customer_id
"""
_PUT_OFF = """
UPDATE message m SET next_attempt_at = clock_timestamp() + make_interval(secs => t.seconds)
FROM unnest(CAST(:ids AS uuid[]), CAST(:seconds AS float8[])) AS t (id, seconds)
WHERE m.id = t.id AND m.status = 'deferred'
"""
_WAITING = "SELECT count(*) FROM message WHERE status = 'deferred'"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An e-mail that is ours to send until the lease ends."""

    id: UUID
    customer_id: UUID
    template: str
    template_version: int
    happened_at: datetime
    values: dict[str, Any]
    cause: dict[str, Any]
    attempts: int


async def take(tx: Transaction, *, limit: int, lease_seconds: float) -> list[Waiting]:
    """Take at most `limit` that are due; other dispatchers leave them alone for the lease."""
    return [Waiting(**row._mapping) for row in await tx.all(_TAKE, limit=limit, lease=lease_seconds)]


async def settle(tx: Transaction, outcomes: Sequence[tuple[UUID, str, str | None]]) -> dict[UUID, UUID]:
    """Keep (id, status, reason) of each that still waits; message id → customer id of those."""
    rows = await tx.all(
        _SETTLE,
        ids=[id_ for id_, _, _ in outcomes],
        statuses=[status for _, status, _ in outcomes],
        reasons=[reason for _, _, reason in outcomes],
    )
    return {row.id: row.customer_id for row in rows}


async def put_off(tx: Transaction, delays: Sequence[tuple[UUID, float]]) -> None:
    """Try each again after its number of seconds."""
    await tx.execute(_PUT_OFF, ids=[id_ for id_, _ in delays], seconds=[seconds for _, seconds in delays])


async def waiting(tx: Transaction) -> int:
    """How many messages are being sent or wait for it."""
    return int(await tx.scalar(_WAITING))
