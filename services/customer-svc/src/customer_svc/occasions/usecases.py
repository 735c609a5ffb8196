"""Watching customers' days and telling of them, inside the transaction it is given.

One timer a customer stands at the next instant at which there is something to tell. Whoever changes what is watched has
the customer's row of `known_customer` locked, and so has the timer.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from customer_svc.occasions import dates, queries
from customer_svc.occasions.dates import Due, Occurrence, Person, Watch
from customer_svc.occasions.queries import Watched
from customer_svc.timeline import queries as timeline
from customer_svc.timeline.entries import Entry, kind_of, told_by
from moat.contracts.customers import CustomerOccasionReached
from moat.kit.db.transaction import Transaction
from moat.kit.timers import clear_timers, set_timers

OCCASIONS: Final = "occasions"
"""The kind of the timers; the key is the customer's id."""


class Upcoming(NamedTuple):
    """The next day of one kind; `told_at` is when others first heard of it, None while it is too early."""

    what: Occurrence
    told_at: datetime | None


async def watch(tx: Transaction, people: Mapping[UUID, Person], now: datetime) -> None:
    """Follow what files say by now. What an outage held back is told first, by the dates that held then."""
    if not people:
        return
    watched = await queries.load(tx, people)
    if late := {id_: one for id_, one in watched.items() if one.next_due_at and one.next_due_at <= now}:
        await _tell(tx, {id_: one.watch for id_, one in late.items()}, now)
    followed = {}
    for id_, person in people.items():
        before = watched.get(id_)
        if before is None:
            followed[id_] = dates.watched_from(person, now)
        else:
            told = _told(before.watch, now) if id_ in late else before.watch
            followed[id_] = dates.follow(told, person, now)
    await _save(tx, followed, now)


async def tell(tx: Transaction, customer_ids: Collection[UUID], now: datetime) -> None:
    """Announce what has come due for these customers; nothing twice, and nothing from before they were watched."""
    watches = {id_: one.watch for id_, one in (await queries.load(tx, customer_ids)).items()}
    if watches:
        await _tell(tx, watches, now)
        await _save(tx, {id_: _told(watch, now) for id_, watch in watches.items()}, now)


async def end(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Customers who were merged away have no days of their own any more, once what is due was told: (from, into)."""
    watched = await queries.load(tx, [from_id for from_id, _ in pairs])
    await _tell(tx, {id_: one.watch for id_, one in watched.items() if one.next_due_at and one.next_due_at <= now}, now)
    await queries.end(tx, pairs)
    await clear_timers(tx, OCCASIONS, [str(from_id) for from_id, _ in pairs])


async def upcoming(tx: Transaction, customer_id: UUID, now: datetime) -> list[Upcoming]:
    """The next day of each kind, the nearest first."""
    watched = (await queries.load(tx, [customer_id])).get(customer_id)
    if watched is None:
        return []
    today = dates.today_of(watched.watch.person, now)
    told = await queries.told(tx, customer_id, today)
    found = dates.next_occurrences(watched.watch.person, today)
    return [Upcoming(one, told.get((one.kind, one.year))) for one in found]


def _told(watch: Watch, now: datetime) -> Watch:
    return Watch(watch.person, now, now)


async def _tell(tx: Transaction, watches: Mapping[UUID, Watch], now: datetime) -> None:
    due = [(id_, one) for id_, watch in sorted(watches.items()) for one in dates.due(watch, now)]
    if not due:
        return
    entries = [_announce(tx, id_, one) for id_, one in await queries.tell(tx, due, now)]
    if on_the_day := [entry for entry in entries if entry is not None]:
        await timeline.add(tx, on_the_day)


def _announce(tx: Transaction, customer_id: UUID, due: Due) -> Entry | None:
    """Publish it; the timeline's entry, which only the day itself gets."""
    what = due.what
    data = CustomerOccasionReached(
        kind=what.kind, occurs_on=what.occurs_on, days_ahead=due.days_ahead, year=what.year, years=what.years
    )
    id_ = tx.publish(data, about=customer_id, time=due.due_at)
    if due.days_ahead:
        return None
    return Entry(id_, customer_id, due.due_at, kind_of(data.TYPE), str(id_), data=told_by(data))


async def _save(tx: Transaction, watches: Mapping[UUID, Watch], now: datetime) -> None:
    """Keep watches, with a timer each at what comes next."""
    watched = {id_: Watched(watch, dates.next_due_at(watch, now)) for id_, watch in watches.items()}
    await queries.save(tx, watched)
    await set_timers(
        tx, OCCASIONS, [(str(id_), one.next_due_at, {}) for id_, one in sorted(watched.items()) if one.next_due_at]
    )
    await clear_timers(tx, OCCASIONS, [str(id_) for id_, one in watched.items() if one.next_due_at is None])
