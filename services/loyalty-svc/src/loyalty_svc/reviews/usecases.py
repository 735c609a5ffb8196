"""What reviews do inside the transaction they are given."""

from datetime import datetime
from uuid import UUID

from loyalty_svc.earning import usecases as earning
from loyalty_svc.reviews import queries
from loyalty_svc.reviews.problems import NotHeld, UnknownAward
from loyalty_svc.reviews.queries import Reviewed
from moat.customers import lock_customer
from moat.kit import audit
from moat.kit.db.transaction import Transaction


async def approve(tx: Transaction, award_id: UUID, *, reason: str, by: str, now: datetime) -> Reviewed:
    """Give an award that was held, less what refunds have taken of its order since.

    Raises UnknownAward, NotHeld.
    """
    held = await _hold(tx, award_id)
    points = await earning.give_held(tx, held.note, now=now)
    return await _decide(tx, held, "approved", points, reason=reason, by=by, now=now)


async def turn_down(tx: Transaction, award_id: UUID, *, reason: str, by: str, now: datetime) -> Reviewed:
    """Do not give an award that was held; its limits let others through again. Raises UnknownAward, NotHeld."""
    held = await _hold(tx, award_id)
    await earning.uncount_held(tx, held.note)
    return await _decide(tx, held, "turned_down", 0, reason=reason, by=by, now=now)


async def _hold(tx: Transaction, award_id: UUID) -> Reviewed:
    customer_id = await queries.whose(tx, award_id)
    if customer_id is None:
        raise UnknownAward()
    await lock_customer(tx, customer_id)
    held = await queries.lock(tx, award_id)
    if held.note.status != "held":
        raise NotHeld(status=held.note.status)
    return held


async def _decide(
    tx: Transaction, held: Reviewed, status: str, points: int, *, reason: str, by: str, now: datetime
) -> Reviewed:
    detail = {"rule": held.note.rule, "points": points}
    await audit.record(tx, at=now, actor=by, action=f"award.{status}", subject=f"award/{held.id}", detail=detail)
    return await queries.decide(tx, held.id, status=status, points=points, reason=reason, by=by, at=now)
