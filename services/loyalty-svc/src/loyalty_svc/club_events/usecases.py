"""What events of clubs do inside the transaction they are given.

The event's row is the queue: who asks locks it, so the last place goes to one, and the list is in the order of asking.
What becomes free goes to who waited longest in the transaction that freed it. A place stays booked until it is given
up, even if its member leaves the club; who moves up must be a member then. A place stays free while none of those who
wait is one: who is a member again has it by a timer, and before anybody who asks later.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.club_events import announcing, queries
from loyalty_svc.club_events.booking import (
    WAITING_MAX,
    Reason,
    Times,
    against_booking,
    against_changes,
    given_up,
    wrong_times,
)
from loyalty_svc.club_events.problems import EventOver, FewerThanTaken, NoPlace, NotBooked, PlaceTaken, UnknownClubEvent
from loyalty_svc.club_events.queries import Wording
from loyalty_svc.club_events.wording import why
from loyalty_svc.clubs import usecases as clubs
from loyalty_svc.clubs.queries import Member
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import Invalid, PreconditionFailed


async def plan(
    tx: Transaction, club: str, wording: Wording, times: Times, places: int, *, by: str, now: datetime
) -> Row[Any]:
    """A new event of a club. Raises UnknownClub; Invalid for times that do not fit."""
    await clubs.must_be_known(tx, club)
    _check(times, now)
    return await queries.add(tx, uuid7(), club, wording, times, places, by=by, now=now)


async def change(
    tx: Transaction, event_id: UUID, wording: Wording, times: Times, places: int, *, revision: int, now: datetime
) -> Row[Any]:
    """Change an event before it begins; more places go to who waits, and who has one is told of another time or place.

    Raises UnknownClubEvent, PreconditionFailed, EventOver, FewerThanTaken; Invalid for times that do not fit.
    """
    before = await _held(tx, event_id, revision, now)
    _check(times, now)
    if places < before.taken:
        raise FewerThanTaken(taken=before.taken)
    event = await queries.change(tx, event_id, wording, times, places, now=now)
    if (before.starts_at, before.ends_at, before.place) != (event.starts_at, event.ends_at, event.place):
        announcing.changed(tx, event, await queries.standing(tx, event_id), at=now)
    await _move_up(tx, event, now)
    return await known(tx, event_id)


async def cancel(tx: Transaction, event_id: UUID, *, revision: int, by: str, reason: str, now: datetime) -> Row[Any]:
    """Call an event off, and tell everybody who has a place or waits. Raises as `change`."""
    await _held(tx, event_id, revision, now)
    places = await queries.give_up(tx, event_id, reason="event_cancelled", now=now)
    event = await queries.cancel(tx, event_id, by=by, reason=reason, now=now)
    announcing.given_up(tx, event, sorted(places, key=lambda place: int(place.number)))
    await audit.record(tx, at=now, actor=by, action="club_event.cancelled", subject=f"club-event/{event_id}")
    return event


async def book(tx: Transaction, event_id: UUID, customer_id: UUID, *, now: datetime) -> Row[Any]:
    """A place for a member, or one on the waiting list when all are taken; the row says which, and its position.

    Raises UnknownClubEvent, NoPlace, PlaceTaken.
    """
    stays = await clubs.memberships(tx, customer_id)
    event = await queries.ask(tx, event_id)
    if event is None:
        raise UnknownClubEvent
    stay = stays.get(event.club)
    reason = against_booking(event, is_member=stay is not None and stay.is_member(now), now=now)
    if reason is None and event.waiting > WAITING_MAX:
        reason = Reason.LIST_FULL
    if reason is not None:
        raise NoPlace(**why(reason, event))
    has_place = event.has_place
    if has_place and event.waiting:
        has_place = await _is_left_by_those_before(tx, event, now)
    place = await queries.take(tx, uuid7(), event_id, customer_id, number=event.numbered, has_place=has_place, now=now)
    if place is None:
        raise PlaceTaken
    announcing.taken(tx, event, place)
    return place


async def _is_left_by_those_before(tx: Transaction, event: Row[Any], now: datetime) -> bool:
    """Move up the members among those who wait, who were none when the place became free; the asker is counted."""
    free: int = event.places - event.taken + 1
    places = await queries.move_up(tx, event.id, event.club, free, now=now)
    is_left = len(places) < free
    if places:
        taken = len(places) if is_left else len(places) - 1
        await queries.count(tx, event.id, taken=taken, waiting=-taken)
        announcing.moved_up(tx, event, places)
    return is_left


async def seat(tx: Transaction, members: Sequence[Member], *, now: datetime) -> None:
    """Members who are back and wait have what is free at events to come."""
    events = await queries.lock(tx, await queries.free_for(tx, members, now=now))
    for event in events.values():
        await _move_up(tx, event, now)


async def give_place_up(tx: Transaction, event_id: UUID, customer_id: UUID, *, reason: str, now: datetime) -> Row[Any]:
    """Cancel a customer's place before the event begins; it goes to who waited longest.

    Raises UnknownClubEvent, EventOver, NotBooked.
    """
    event = (await queries.lock(tx, [event_id])).get(event_id)
    if event is None:
        raise UnknownClubEvent
    places = await queries.give_up(tx, event_id, customer_id=customer_id, reason=reason, now=now)
    if not places:
        raise NotBooked
    if (against := against_changes(event, now)) is not None:
        raise EventOver(**why(against, event))
    await _free(tx, event, places, now)
    return places[0]


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """The survivors have the places of those who were merged away; of two at one event the better one."""
    for merge in merges:
        from_id, into_id = merge.data.from_id, merge.about
        ids = await queries.events_of(tx, from_id) if from_id != into_id else []
        if not ids:
            continue
        events = await queries.lock(tx, ids)
        unneeded = {
            event_id: await queries.give_up(tx, event_id, place_id=given_up(own, former).id, reason="merged", now=now)
            for event_id, own, former in await queries.both(tx, from_id, into_id)
        }
        await queries.move(tx, from_id, into_id)
        for event_id, places in unneeded.items():
            await _free(tx, events[event_id], places, now, cause=merge)


async def _free(
    tx: Transaction, event: Row[Any], places: Sequence[Row[Any]], now: datetime, cause: Event[Any] | None = None
) -> None:
    """These places were given up just now; the event is locked."""
    announcing.given_up(tx, event, places, cause=cause)
    waiting = sum(1 for place in places if place.was_waiting)
    await queries.count(tx, event.id, taken=waiting - len(places), waiting=-waiting)
    await _move_up(tx, await known(tx, event.id), now)


async def _move_up(tx: Transaction, event: Row[Any], now: datetime) -> None:
    free = event.places - event.taken
    if free <= 0 or not event.waiting or against_changes(event, now) is not None:
        return
    places = await queries.move_up(tx, event.id, event.club, free, now=now)
    if places:
        await queries.count(tx, event.id, taken=len(places), waiting=-len(places))
        announcing.moved_up(tx, event, places)


async def _held(tx: Transaction, event_id: UUID, revision: int, now: datetime) -> Row[Any]:
    event = (await queries.lock(tx, [event_id])).get(event_id)
    if event is None:
        raise UnknownClubEvent
    if event.revision != revision:
        raise PreconditionFailed(revision=event.revision)
    if (against := against_changes(event, now)) is not None:
        raise EventOver(**why(against, event))
    return event


async def known(tx: Transaction, event_id: UUID) -> Row[Any]:
    """An event. Raises UnknownClubEvent."""
    event = await queries.one(tx, event_id)
    if event is None:
        raise UnknownClubEvent
    return event


def _check(times: Times, now: datetime) -> None:
    if errors := wrong_times(times, now):
        raise Invalid(errors=errors)
