"""What reviews do inside the transaction they are given.

An award is decided together with those on top of it, which wait because it does; none of these is decided alone.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from loyalty_svc.earning import usecases as earning
from loyalty_svc.reviews import queries
from loyalty_svc.reviews.problems import DecidedWithBase, NotHeld, UnknownAward
from loyalty_svc.reviews.queries import Reviewed
from moat.customers import lock_customer
from moat.kit import audit
from moat.kit.db.transaction import Transaction


async def approve(tx: Transaction, award_id: UUID, *, reason: str, by: str, now: datetime) -> Reviewed:
    """Give an award that was held and those on top of it, less what refunds have taken of their order since.

    Raises UnknownAward, NotHeld, DecidedWithBase.
    """
    held = await _hold(tx, award_id)
    points = await earning.give_held(tx, [one.note for one in held], now=now)
    return await _decide(tx, held, "approved", points, reason=reason, by=by, now=now)


async def turn_down(tx: Transaction, award_id: UUID, *, reason: str, by: str, now: datetime) -> Reviewed:
    """Do not give an award that was held, nor those on top of it; their limits and cooldowns let others through again.

    Raises UnknownAward, NotHeld, DecidedWithBase.
    """
    held = await _hold(tx, award_id)
    if cooling := await earning.uncount_held(tx, [one.note for one in held]):
        await queries.cool_down_before(tx, held[0].note, cooling)
    return await _decide(tx, held, "turned_down", [0] * len(held), reason=reason, by=by, now=now)


async def _hold(tx: Transaction, award_id: UUID) -> list[Reviewed]:
    """The award and, after it, those on top of it."""
    customer_id = await queries.whose(tx, award_id)
    if customer_id is None:
        raise UnknownAward()
    await lock_customer(tx, customer_id)
    held = await queries.lock(tx, award_id)
    if held.note.status != "held":
        raise NotHeld(status=held.note.status)
    if held.note.base is not None:
        raise DecidedWithBase(base=held.note.base)
    return [held, *await queries.lock_on_top(tx, held.note)]


async def _decide(
    tx: Transaction,
    held: Sequence[Reviewed],
    status: str,
    points: Sequence[int],
    *,
    reason: str,
    by: str,
    now: datetime,
) -> Reviewed:
    """Keep what was decided of each; returns the first."""
    done: list[Reviewed] = []
    for one, given in zip(held, points, strict=True):
        detail = {"rule": one.note.rule, "points": given}
        await audit.record(tx, at=now, actor=by, action=f"award.{status}", subject=f"award/{one.id}", detail=detail)
        done.append(await queries.decide(tx, one.id, status=status, points=given, reason=reason, by=by, at=now))
    return done[0]
