"""The SQL of invitations. A customer has one open invitation of a club at most (a unique index)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from moat.kit.db.transaction import Transaction

_COLUMNS: Final = "id, customer_id, club, state, made_at, until, decided_at"
_EXPIRE: Final = """
UPDATE club_invitation SET state = 'expired', decided_at = until, decided_by = 'moat'
WHERE customer_id = :customer_id AND club = :club AND state = 'open' AND until <= :now
"""
_ADD: Final = f"""
INSERT INTO club_invitation (id, customer_id, club, state, made_at, until, made_by)
VALUES (:id, :customer_id, :club, 'open', :now, :until, :by) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608
_ONE: Final = f"SELECT {_COLUMNS} FROM club_invitation WHERE id = :id AND customer_id = :customer_id"  # noqa: S608
_DECIDE: Final = f"""
UPDATE club_invitation SET state = :state, decided_at = :now, decided_by = :by
WHERE id = :id AND state = 'open' RETURNING {_COLUMNS}
"""  # noqa: S608
_OF: Final = f"""
SELECT {_COLUMNS} FROM club_invitation
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_OPEN: Final = """
SELECT club FROM club_invitation WHERE customer_id = :customer_id AND state = 'open' AND (until IS NULL OR until > :now)
"""
# Where both are invited the survivor keeps his own.
_JOIN: Final = f"""
UPDATE club_invitation i SET state = 'withdrawn', decided_at = :now, decided_by = 'moat'
WHERE customer_id = :from_id AND state = 'open' AND EXISTS (
  SELECT FROM club_invitation o WHERE o.customer_id = :into_id AND o.club = i.club AND o.state = 'open')
RETURNING {_COLUMNS}
"""  # noqa: S608
_MOVE: Final = "UPDATE club_invitation SET customer_id = :into_id WHERE customer_id = :from_id"


async def add(
    tx: Transaction, id_: UUID, customer_id: UUID, club: str, *, until: datetime | None, by: str, now: datetime
) -> Row[Any] | None:
    """A new invitation; None where there is an open one. One that is out of date makes way."""
    await tx.execute(_EXPIRE, customer_id=customer_id, club=club, now=now)
    return await tx.first(_ADD, id=id_, customer_id=customer_id, club=club, until=until, by=by, now=now)


async def one(tx: Transaction, id_: UUID, customer_id: UUID) -> Row[Any] | None:
    """An invitation of this customer."""
    return await tx.first(_ONE, id=id_, customer_id=customer_id)


async def decide(tx: Transaction, id_: UUID, state: str, *, by: str, now: datetime) -> Row[Any] | None:
    """Answer or withdraw an open one; None when it is not open any more."""
    return await tx.first(_DECIDE, id=id_, state=state, by=by, now=now)


async def of_customer(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """A customer's invitations, newest first."""
    return await tx.all(_OF, customer_id=customer_id, after=after, limit=limit)


async def open_of(tx: Transaction, customer_id: UUID, *, now: datetime) -> set[str]:
    """The clubs that he may accept an invitation of."""
    return {row.club for row in await tx.all(_OPEN, customer_id=customer_id, now=now)}


async def move(tx: Transaction, from_id: UUID, into_id: UUID, *, now: datetime) -> Sequence[Row[Any]]:
    """A merged customer's invitations are the survivor's; returns those that were withdrawn, as he has his own."""
    rows = await tx.all(_JOIN, from_id=from_id, into_id=into_id, now=now)
    await tx.execute(_MOVE, from_id=from_id, into_id=into_id)
    return rows
