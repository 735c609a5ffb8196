"""What risk does with facts and with time: assess anew, announce what changed, move the one timer of the customer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.scoring import RiskAssessed, RiskChanged, RiskCleared, RiskRaised
from moat.customers import partings
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.messaging.subscriptions import Batch
from moat.kit.timers import DueTimer, clear_timers, set_timers
from moat.kit.timers.store import TimerToSet
from scoring_svc.risk import queries
from scoring_svc.risk.bands import PRIOR, Assessment, News, news
from scoring_svc.risk.queries import Risk
from scoring_svc.risk.reasons import reasons
from scoring_svc.silence import queries as silence
from scoring_svc.silence.rhythm import whole_milliseconds

CROSSING: Final = "risk.crossing"
_EVENTS: Final[dict[News, type[RiskAssessed]]] = {
    News.RAISED: RiskRaised,
    News.CHANGED: RiskChanged,
    News.CLEARED: RiskCleared,
}


async def assess_buyers(tx: Transaction, batch: Batch, *, at: datetime) -> None:
    """Assess the customers whose orders the batch is about; silence has recorded them already.

    Several facts of one customer in a batch are judged once, when all of them are known.
    """
    owners = await silence.owners(tx, {event.data.order_uid for event in batch})
    causes: dict[UUID, Event[Any]] = {}
    for event in batch:
        owner = owners.get(event.data.order_uid)
        if owner is not None and (owner not in causes or event.time >= causes[owner].time):
            causes[owner] = event
    known = await queries.lock_or_make(tx, causes)
    await _assess(tx, known, causes, at=at)


async def assess_survivors(tx: Transaction, merges: Sequence[Event[CustomerMerged]], *, at: datetime) -> None:
    """Let the survivor of each merge inherit what was announced, and assess him with the orders of both."""
    causes = {event.about: event for event in merges}
    gone = {event.data.from_id: event.about for event in merges if event.data.from_id != event.about}
    known = await queries.lock_or_make(tx, {*causes, *gone})
    heirs = {id_: Risk(id_, None, known[id_].raised_at) for id_ in causes}
    for from_id, to_id in gone.items():
        if heirs[to_id].raised_at is None:
            heirs[to_id] = heirs[to_id]._replace(raised_at=known[from_id].raised_at)
    await queries.forget(tx, gone)
    await clear_timers(tx, CROSSING, [str(id_) for id_ in gone])
    await _assess(tx, heirs, causes, at=at)


async def assess_parted(tx: Transaction, splits: Sequence[Event[CustomerSplit]], *, at: datetime) -> None:
    """Assess both whom a split parts, each by his own orders; who has none left has no risk."""
    parted = await partings(tx, splits)
    causes = {id_: one.event for one in parted for id_ in (one.survivor_id, one.customer_id)}
    known = await queries.lock_or_make(tx, causes)
    without = sorted(known.keys() - (await silence.standings(tx, known.keys())).keys())
    for id_ in without:
        risk = known.pop(id_)
        if risk.assessment is not None and risk.raised_at is not None:
            _announce(tx, News.CLEARED, id_, risk.assessment, at=whole_milliseconds(at), cause=causes[id_])
    await queries.forget(tx, without)
    await clear_timers(tx, CROSSING, [str(id_) for id_ in without])
    await _assess(tx, known, causes, at=at)


async def cross(tx: Transaction, due: Sequence[DueTimer], *, now: datetime) -> None:
    """Raise the risk of those whose silence has reached the threshold.

    A timer is a hint, judged at max(now, due): one whose customer has bought since is set to the new crossing.
    """
    known = await queries.lock(tx, [UUID(timer.key) for timer in due])
    raised: list[tuple[UUID, Assessment, datetime | None]] = []
    early: list[TimerToSet] = []
    for timer in due:
        risk = known.get(UUID(timer.key))
        if risk is None or risk.assessment is None or risk.raised_at is not None:
            continue
        at = max(whole_milliseconds(now), timer.due_at)
        if at < risk.assessment.high_at:
            early.append((timer.key, risk.assessment.high_at, {}))
            continue
        raised.append((risk.customer_id, risk.assessment, risk.assessment.high_at))
        _announce(tx, News.RAISED, risk.customer_id, risk.assessment, at=at, cause=None)
    if raised:
        await queries.save(tx, raised)
    await set_timers(tx, CROSSING, early)


async def _assess(
    tx: Transaction, known: Mapping[UUID, Risk], causes: Mapping[UUID, Event[Any]], *, at: datetime
) -> None:
    """Judge each customer at `at` by all his orders; save, announce, and move his timer."""
    at = whole_milliseconds(at)
    standings = await silence.standings(tx, known.keys())
    saved: list[tuple[UUID, Assessment, datetime | None]] = []
    timers: list[TimerToSet] = []
    for customer_id, standing in sorted(standings.items()):
        risk = known[customer_id]
        after = Assessment.of(
            standing.rhythm,
            orders_count=standing.orders_count,
            value_minor=standing.value_minor,
            value_currency=standing.value_currency,
        )
        told = news(was_raised=risk.raised_at is not None, before=risk.assessment, after=after, at=at)
        if told is not None:
            _announce(tx, told, customer_id, after, at=at, cause=causes[customer_id])
        raised_at = _raised_at(risk.raised_at, told, after)
        saved.append((customer_id, after, raised_at))
        if raised_at is None:
            timers.append((str(customer_id), after.high_at, {}))
    if saved:
        await queries.save(tx, saved)
        await set_timers(tx, CROSSING, timers)
        await clear_timers(tx, CROSSING, [str(id_) for id_, _, raised_at in saved if raised_at is not None])


def _raised_at(before: datetime | None, told: News | None, after: Assessment) -> datetime | None:
    if told is News.RAISED:
        return after.high_at
    return None if told is News.CLEARED else before


def _announce(
    tx: Transaction, told: News, customer_id: UUID, risk: Assessment, *, at: datetime, cause: Event[Any] | None
) -> None:
    """Publish; a raise happened at the crossing, whenever it was noticed, the others with the fact that caused them."""
    data = _EVENTS[told](
        score=risk.score(at),
        band=risk.band(at),
        value_minor=risk.value_minor,
        value_currency=risk.value_currency,
        reasons=tuple(reason.code for reason in reasons(risk.rhythm, at, PRIOR)),
    )
    time = risk.high_at if told is News.RAISED or cause is None else cause.time
    tx.publish(data, about=customer_id, time=time, cause=cause)
