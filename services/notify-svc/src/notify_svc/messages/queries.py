"""All SQL of messages."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from moat.kit.db.transaction import Transaction
from notify_svc.messages.planning import Planned

_INSERT = """
INSERT INTO message (id, customer_id, at, channel, template, template_version, status, reason, subject_key, cause,
                     happened_at, values, next_attempt_at)
SELECT id, customer_id, CAST(:at AS timestamptz), channel, template, template_version, status, reason, subject_key,
       CAST(cause AS jsonb), happened_at, CAST(vals AS jsonb),
       CASE WHEN status = 'deferred' THEN CAST(:at AS timestamptz) END
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:channels AS text[]), CAST(:templates AS text[]),
            CAST(:versions AS integer[]), CAST(:statuses AS text[]), CAST(:reasons AS text[]),
            CAST(:subjects AS text[]), CAST(:causes AS text[]), CAST(:happened AS timestamptz[]), CAST(:vals AS text[]))
  AS t (id, customer_id, channel, template, template_version, status, reason, subject_key, cause, happened_at, vals)
ON CONFLICT ON CONSTRAINT message_once DO NOTHING
RETURNING id
"""
_PAGE = """
SELECT id, at, channel, template, status, reason, cause FROM message
WHERE customer_id = :customer_id
  AND (CAST(:before_at AS timestamptz) IS NULL OR (at, id) < (:before_at, CAST(:before_id AS uuid)))
ORDER BY at DESC, id DESC LIMIT :limit
"""
_COUNTS = """
SELECT status, reason, count(*) AS messages FROM message
GROUP BY status, reason ORDER BY messages DESC, status, reason LIMIT 100
"""
_MOVE = """
UPDATE message SET customer_id = :to_id, origin_id = coalesce(origin_id, CAST(:from_id AS uuid))
WHERE customer_id = :from_id
"""
# What thanks for an order is about the order.
_GIVE_BACK = """
UPDATE message SET customer_id = :to_id, origin_id = nullif(origin_id, CAST(:to_id AS uuid))
WHERE customer_id = :from_id
  AND (origin_id = ANY(CAST(:origins AS uuid[])) OR subject_key = ANY(CAST(:orders AS text[])))
"""


async def insert(
    tx: Transaction, planned: Sequence[Planned], versions: Mapping[str, int], *, at: datetime
) -> set[UUID]:
    """Keep these messages; return the ids of those that were not there yet."""
    rows = await tx.all(
        _INSERT,
        at=at,
        ids=[message.id for message in planned],
        customers=[message.occasion.customer_id for message in planned],
        channels=[message.channel for message in planned],
        templates=[message.occasion.kind.template for message in planned],
        versions=[versions[message.occasion.kind.template] for message in planned],
        statuses=[message.status for message in planned],
        reasons=[message.reason for message in planned],
        subjects=[message.occasion.subject_key for message in planned],
        causes=[json.dumps(dict(message.occasion.cause)) for message in planned],
        happened=[message.occasion.happened_at for message in planned],
        vals=[json.dumps(dict(message.occasion.values), ensure_ascii=False) for message in planned],
    )
    return {row.id for row in rows}


async def page(
    tx: Transaction, customer_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """The newest messages of a customer before a place, at most `limit`."""
    before_at, before_id = before or (None, None)
    return await tx.all(_PAGE, customer_id=customer_id, before_at=before_at, before_id=before_id, limit=limit)


async def move(tx: Transaction, *, from_id: UUID, to_id: UUID) -> None:
    """The messages of a customer who was merged away are the survivor's."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def give_back(
    tx: Transaction, *, from_id: UUID, to_id: UUID, origins: Sequence[UUID], orders: Sequence[UUID]
) -> None:
    """The messages that were theirs, and those about these orders, are those of who has parted again."""
    await tx.execute(
        _GIVE_BACK, from_id=from_id, to_id=to_id, origins=list(origins), orders=[str(uid) for uid in orders]
    )


async def counts(tx: Transaction) -> Sequence[Row[Any]]:
    """How many messages are in each state, by reason."""
    return await tx.all(_COUNTS)
