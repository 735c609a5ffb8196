"""The SQL of merges in referrals: what moves to the survivor, and what a merge shows."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_svc.referrals.judging import Referral
from loyalty_svc.referrals.queries import COLUMNS, KNOWN_AT, referral_of
from moat.kit.db.transaction import Transaction

_KNOWN: Final = KNOWN_AT.format(friend="CAST(:id AS uuid)")
_ACCEPTED_OF: Final = f"""
SELECT {COLUMNS} FROM referral r WHERE r.is_accepted AND r.friend_id = ANY(CAST(:ids AS uuid[]))
ORDER BY r.id FOR UPDATE
"""  # noqa: S608
# Upwards from one until it comes back to him, if it does.
_RING: Final = f"""
WITH RECURSIVE chain (id, via) AS (
  SELECT CAST(:id AS uuid), CAST(NULL AS uuid)
  UNION SELECT up.customer_id, up.id FROM chain JOIN referral up ON up.friend_id = chain.id WHERE up.is_accepted)
SELECT {COLUMNS} FROM referral r
WHERE r.id IN (SELECT via FROM chain) AND EXISTS (SELECT FROM chain WHERE id = :id AND via IS NOT NULL)
ORDER BY r.id FOR UPDATE
"""  # noqa: S608
_MOVE_TWINS: Final = """
WITH gone AS (DELETE FROM referral_twin WHERE :from_id IN (first_id, second_id) RETURNING *),
moved AS (
  SELECT CASE WHEN first_id = :from_id THEN second_id ELSE first_id END AS other_id, at FROM gone)
INSERT INTO referral_twin (first_id, second_id, at)
SELECT least(other_id, CAST(:into_id AS uuid)), greatest(other_id, CAST(:into_id AS uuid)), at FROM moved
WHERE other_id <> :into_id ON CONFLICT DO NOTHING
"""
_MOVE_CODES: Final = """
UPDATE referral_code c SET customer_id = :into_id,
  is_own = c.is_own AND NOT EXISTS (SELECT FROM referral_code o WHERE o.customer_id = :into_id AND o.is_own)
WHERE c.customer_id = :from_id
"""
_GIVE_WAY: Final = "UPDATE referral SET is_accepted = false WHERE id = ANY(CAST(:ids AS uuid[]))"
_MOVE_REFERRER: Final = "UPDATE referral SET customer_id = :into_id WHERE customer_id = :from_id"
_MOVE_FRIEND: Final = "UPDATE referral SET friend_id = :into_id WHERE friend_id = :from_id"


async def accepted_of(tx: Transaction, friend_ids: Collection[UUID]) -> list[Referral]:
    """The accepted referrals of these friends, settled ones too, locked."""
    return [referral_of(row) for row in await tx.all(_ACCEPTED_OF, ids=list(friend_ids))]


async def ring_of(tx: Transaction, customer_id: UUID) -> list[Referral]:
    """The accepted referrals that lead from a customer back to himself, locked; none where they lead elsewhere."""
    return [referral_of(row) for row in await tx.all(_RING, id=customer_id)]


async def known_at(tx: Transaction, customer_id: UUID) -> datetime | None:
    """Since when a customer is known, or one of those who have become him."""
    found: datetime | None = await tx.scalar(_KNOWN, id=customer_id)
    return found


async def give_way(tx: Transaction, ids: Collection[UUID]) -> None:
    """These are not what their friend was brought by."""
    await tx.execute(_GIVE_WAY, ids=list(ids))


async def move(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """Codes, twins and referrals of a customer who was merged away are the survivor's, on both sides."""
    for sql in (_MOVE_TWINS, _MOVE_CODES, _MOVE_REFERRER, _MOVE_FRIEND):
        await tx.execute(sql, from_id=from_id, into_id=into_id)
