"""What surprises do inside the transaction they are given: commit to a draw, begin it, call it off, list who may win.

Whatever happens to the draws of a surprise happens under the lock of its row. A draw's id and the commitment to its
seed are recorded (in its row, and in the audit's chain) when the surprise is published, and the next one's when a draw
begins: before anybody who may win is looked up.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.accounts.problems import NotSpendable
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.honours import queries as members
from loyalty_svc.honours import usecases as honours
from loyalty_svc.honours.members import row_of
from loyalty_svc.surprises import queries
from loyalty_svc.surprises.drawing import SEED_BYTES, commitment_of
from loyalty_svc.surprises.problems import (
    BudgetSpent,
    DrawRunning,
    DrawsByItself,
    NotDrawnYet,
    SurpriseNotPublished,
    UnknownDraw,
)
from loyalty_svc.surprises.surprise import SURPRISES, CostBudget, Surprise
from loyalty_svc.surprises.tables import DRAW
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, WrongDocument, published, versions
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest
from moat.kit.timers import clear_timers, set_timers

BY_ITSELF: Final = "moat"
LATER: Final = timedelta(minutes=1)
PREVIEWED_MAX: Final = 2_000
"""So many customers are looked at by a preview."""


async def prepare(tx: Transaction, version: Published[Surprise], now: datetime) -> None:
    """Check what is published, and commit to the seed of its next draw. Raises WrongDocument; Invalid for a coupon."""
    surprise = version.value
    errors = await _errors_of(tx, version, now)
    if errors:
        raise WrongDocument(errors[0].detail, errors=errors)
    if surprise.coupon is not None:
        await coupons.published_coupon(tx, surprise.coupon, at=now, pointer="/gift/coupon")
    await queries.open_surprise(tx, surprise.code)
    await queries.lock(tx, surprise.code)
    waiting = await _waiting(tx, surprise.code)
    if waiting is None:
        draw_id = await _commit(tx, surprise, now)
    else:
        draw_id = waiting.id
        await queries.draws_at(tx, draw_id, surprise.draws_at)
        await clear_timers(tx, DRAW, [str(draw_id)])
    if surprise.draws_at is not None:
        await set_timers(tx, DRAW, [(str(draw_id), surprise.draws_at, {})])


async def _errors_of(tx: Transaction, version: Published[Surprise], now: datetime) -> list[FieldError]:
    surprise, errors = version.value, []
    if version.valid_from is None or abs(version.valid_from - now) > timedelta(seconds=5):
        errors.append(FieldError("/valid_from", "a surprise is valid from when it is published; leave this out"))
    if surprise.draws_at is not None and surprise.draws_at <= now:
        errors.append(FieldError("/draws_at", "must lie ahead"))
    if surprise.account_type is not None:
        types = await account_types(tx)
        pointer = "/gift/points/account_type"
        if surprise.account_type not in types.offered():
            hint = nearest(surprise.account_type, types.offered())
            errors.append(FieldError(pointer, f"no account type has this code{hint}"))
        elif not types.is_spendable(surprise.account_type):
            errors.append(FieldError(pointer, NotSpendable.title))
    budgets = [one.value.budget for one in (await versions(tx, SURPRISES)).get(surprise.code, ())]
    currencies = {one.currency for one in (*budgets, surprise.budget) if isinstance(one, CostBudget)}
    if len(currencies) > 1:
        detail = "the versions of a surprise share what they have spent, so they reckon in one currency"
        errors.append(FieldError("/budget/currency", detail))
    return errors


async def call_off(tx: Transaction, version: Published[Surprise], now: datetime) -> None:
    """A surprise was retired: what waits to be drawn is called off; what is under way goes on to its end."""
    await queries.lock(tx, version.ref.code)
    waiting = await _waiting(tx, version.ref.code)
    if waiting is not None:
        await clear_timers(tx, DRAW, [str(waiting.id)])
        await queries.finish(tx, waiting.id, ended_by="retired", at=now)


async def start(tx: Transaction, code: str, *, by: str, now: datetime) -> Any:
    """Begin the draw that waits, as staff say; it goes on by its timer.

    Raises SurpriseNotPublished, DrawsByItself, DrawRunning, BudgetSpent.
    """
    known = (await published(tx, SURPRISES, at=now)).get(code)
    if known is None:
        raise SurpriseNotPublished
    surprise = known.value
    spent = await queries.lock(tx, code)
    if surprise.draws_at is not None:
        raise DrawsByItself(draws_at=surprise.draws_at.isoformat())
    if running := await _running(tx, code):
        raise DrawRunning(draw_id=str(running.id))
    if surprise.affords(spent) == 0:
        raise BudgetSpent
    waiting = await _waiting(tx, code)
    if waiting is None:
        raise SurpriseNotPublished
    await _begin(tx, waiting.id, known, by=by, now=now)
    await _commit(tx, surprise, now)
    return await draw(tx, waiting.id, code)


async def begin_by_itself(tx: Transaction, waiting: Any, *, now: datetime) -> None:
    """The instant of a draw has come. Its surprise is locked."""
    known = (await published(tx, SURPRISES, at=now)).get(waiting.code)
    draws_at = known.value.draws_at if known else None
    if known is None or draws_at is None:
        return
    if draws_at > now or await _running(tx, waiting.code):
        await set_timers(tx, DRAW, [(str(waiting.id), max(draws_at, now + LATER), {})])
        return
    await _begin(tx, waiting.id, known, by=BY_ITSELF, now=now)


async def _begin(tx: Transaction, draw_id: UUID, known: Published[Surprise], *, by: str, now: datetime) -> None:
    surprise = known.value
    await queries.begun(tx, draw_id, version=known.ref.version, winners=surprise.winners, by=by, at=now)
    await set_timers(tx, DRAW, [(str(draw_id), now, {})])
    detail = {"draw_id": str(draw_id), "version": known.ref.version}
    subject = f"surprise/{surprise.code}"
    await audit.record(tx, at=now, actor=by, action="surprise.draw_started", subject=subject, detail=detail)


async def _commit(tx: Transaction, surprise: Surprise, now: datetime) -> UUID:
    draw_id, seed = uuid7(), secrets.token_bytes(SEED_BYTES)
    commitment = commitment_of(seed)
    await queries.commit(
        tx, draw_id, surprise.code, seed=seed, commitment=commitment, draws_at=surprise.draws_at, at=now
    )
    detail = {"draw_id": str(draw_id), "commitment": commitment}
    subject = f"surprise/{surprise.code}"
    await audit.record(tx, at=now, actor=BY_ITSELF, action="surprise.committed", subject=subject, detail=detail)
    return draw_id


async def _waiting(tx: Transaction, code: str) -> Any:
    return next((one for one in await queries.open_draws(tx, code) if one.state == "committed"), None)


async def _running(tx: Transaction, code: str) -> Any:
    return next((one for one in await queries.open_draws(tx, code) if one.state != "committed"), None)


async def draw(tx: Transaction, draw_id: UUID, code: str) -> Any:
    """One draw of a surprise. Raises UnknownDraw."""
    rows = await queries.draws_by_id(tx, [draw_id])
    if not rows or rows[0].code != code:
        raise UnknownDraw
    return rows[0]


async def entries(tx: Transaction, draw_id: UUID, code: str, *, after: UUID | None, limit: int) -> Sequence[Any]:
    """Who may win, by rank. Raises UnknownDraw, NotDrawnYet."""
    if (await draw(tx, draw_id, code)).drawn_at is None:
        raise NotDrawnYet
    return await queries.entries(tx, draw_id, after=after, limit=limit)


async def eligible(tx: Transaction, surprise: Surprise, customer_ids: Collection[UUID], *, at: datetime) -> list[UUID]:
    """Who of these may win: he fits the condition and has had no surprise too recently."""
    known, base_tier = await honours.known_of(tx, customer_ids, surprise.asks, now=at)
    fits = [
        customer_id
        for customer_id, facts in known.items()
        if surprise.condition.matches(row_of(facts, currency=surprise.currency, base_tier=base_tier, now=at), now=at)
    ]
    recent = await queries.recent(tx, fits, quiet=surprise.quiet, at=at) if fits else set()
    return [customer_id for customer_id in fits if customer_id not in recent]


async def preview(tx: Transaction, surprise: Surprise, now: datetime) -> Mapping[str, int]:
    """How many of so many customers might win now."""
    looked_at = await members.customers(tx, after=None, limit=PREVIEWED_MAX)
    return {"customers_looked_at": len(looked_at), "eligible": len(await eligible(tx, surprise, looked_at, at=now))}


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]]) -> None:
    """The survivors keep what both were given, also where both had won the same draw."""
    for event in merges:
        if event.data.from_id != event.about:
            await queries.move(tx, event.data.from_id, event.about)
