"""All SQL of club events. The event's row is locked first, in the order of ids if there are several; places after."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.club_events.booking import Standing, Times
from loyalty_svc.clubs.queries import Member
from moat.kit.db.transaction import Transaction

_EVENT: Final = """e.id, e.club, e.names, e.about, e.place, e.starts_at, e.ends_at, e.opens_at, e.closes_at, e.places,
  e.taken, e.waiting, e.revision, e.cancelled_at, e.reason"""
_PLACE: Final = "p.id, p.event_id, p.customer_id, p.state, p.number, p.made_at, p.booked_at, p.cancelled_at, p.reason"
_POSITION: Final = """CASE WHEN p.state = 'waiting' THEN (
  SELECT 1 + count(*) FROM club_place w WHERE w.event_id = p.event_id AND w.state = 'waiting' AND w.number < p.number
) END AS position"""
_ADD: Final = f"""
INSERT INTO club_event AS e (id, club, names, about, place, starts_at, ends_at, opens_at, closes_at, places, made_at,
                             changed_at, made_by)
VALUES (:id, :club, CAST(:names AS jsonb), CAST(:about AS jsonb), CAST(:place AS jsonb), :starts_at, :ends_at,
        :opens_at, :closes_at, :places, :now, :now, :by)
RETURNING {_EVENT}
"""  # noqa: S608
_CHANGE: Final = f"""
UPDATE club_event e SET names = CAST(:names AS jsonb), about = CAST(:about AS jsonb), place = CAST(:place AS jsonb),
  starts_at = :starts_at, ends_at = :ends_at, opens_at = :opens_at, closes_at = :closes_at, places = :places,
  changed_at = :now, revision = revision + 1
WHERE id = :id RETURNING {_EVENT}
"""  # noqa: S608
_CANCEL: Final = f"""
UPDATE club_event e SET cancelled_at = :now, cancelled_by = :by, reason = :reason, changed_at = :now, taken = 0,
  waiting = 0, revision = revision + 1
WHERE id = :id RETURNING {_EVENT}
"""  # noqa: S608
_ONE: Final = f"SELECT {_EVENT} FROM club_event e WHERE id = :id"  # noqa: S608
_LOCK: Final = f"""
SELECT {_EVENT} FROM club_event e WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
"""  # noqa: S608
_LIST: Final = f"""
SELECT {_EVENT} FROM club_event e
WHERE (CAST(:club AS text) IS NULL OR club = :club)
  AND (CAST(:after_at AS timestamptz) IS NULL OR (starts_at, id) > (:after_at, CAST(:after_id AS uuid)))
ORDER BY starts_at, id LIMIT :limit
"""  # noqa: S608
# One statement asks for a place: the row's lock is the queue, and its number is the place in it.
_ASK: Final = f"""
UPDATE club_event e SET numbered = numbered + 1,
  taken = taken + CASE WHEN taken < places THEN 1 ELSE 0 END,
  waiting = waiting + CASE WHEN taken < places THEN 0 ELSE 1 END
WHERE id = :id RETURNING {_EVENT}, e.numbered, old.taken < old.places AS has_place
"""  # noqa: S608
_TAKE: Final = f"""
INSERT INTO club_place AS p (id, event_id, customer_id, state, number, made_at, booked_at)
VALUES (:id, :event_id, :customer_id, :state, :number, :now, CAST(:booked_at AS timestamptz))
ON CONFLICT (event_id, customer_id) WHERE state <> 'cancelled' DO NOTHING
RETURNING {_PLACE}, {_POSITION}
"""  # noqa: S608
_COUNT: Final = "UPDATE club_event SET taken = taken + :taken, waiting = waiting + :waiting WHERE id = :id"
_GIVE_UP: Final = f"""
UPDATE club_place p SET state = 'cancelled', cancelled_at = :now, reason = :reason
WHERE event_id = :event_id AND state <> 'cancelled'
  AND (CAST(:customer_id AS uuid) IS NULL OR customer_id = CAST(:customer_id AS uuid))
  AND (CAST(:place_id AS uuid) IS NULL OR id = CAST(:place_id AS uuid))
RETURNING {_PLACE}, old.state = 'waiting' AS was_waiting
"""  # noqa: S608
# Who is no member any more keeps his place in the list, and is passed over.
_MOVE_UP: Final = f"""
UPDATE club_place p SET state = 'booked', booked_at = :now FROM (
  SELECT c.id FROM club_place c JOIN club_membership m ON m.customer_id = c.customer_id AND m.club = :club
  WHERE c.event_id = :event_id AND c.state = 'waiting' AND m.joined_at IS NOT NULL AND m.ended_at IS NULL
    AND (m.lapses_at IS NULL OR m.lapses_at > :now)
  ORDER BY c.number LIMIT :free) AS next
WHERE p.id = next.id RETURNING {_PLACE}
"""  # noqa: S608
_FREE_FOR: Final = """
SELECT DISTINCT e.id FROM unnest(CAST(:ids AS uuid[]), CAST(:clubs AS text[])) AS k (id, club)
JOIN club_place p ON p.customer_id = k.id AND p.state = 'waiting'
JOIN club_event e ON e.id = p.event_id AND e.club = k.club
WHERE e.taken < e.places AND e.cancelled_at IS NULL AND e.starts_at > :now
"""
_STANDING: Final = f"""
SELECT {_PLACE} FROM club_place p WHERE event_id = :event_id AND state <> 'cancelled' ORDER BY number
"""  # noqa: S608
_PLACES: Final = f"""
SELECT {_PLACE}, {_POSITION} FROM club_place p
WHERE event_id = :event_id AND state = :state AND (CAST(:after AS bigint) IS NULL OR number > CAST(:after AS bigint))
ORDER BY number LIMIT :limit
"""  # noqa: S608
_OF_CUSTOMER: Final = f"""
SELECT {_PLACE}, {_POSITION} FROM club_place p
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_AHEAD: Final = f"""
SELECT {_EVENT}, p.id AS place_id, p.state AS place_state, {_POSITION}
FROM club_event e LEFT JOIN club_place p
  ON p.event_id = e.id AND p.customer_id = :customer_id AND p.state <> 'cancelled'
WHERE e.starts_at > :now AND (e.club = ANY(CAST(:clubs AS text[])) OR p.id IS NOT NULL)
  AND (CAST(:after_at AS timestamptz) IS NULL OR (e.starts_at, e.id) > (:after_at, CAST(:after_id AS uuid)))
ORDER BY e.starts_at, e.id LIMIT :limit
"""  # noqa: S608
_EVENTS_OF: Final = "SELECT event_id FROM club_place WHERE customer_id = :customer_id AND state <> 'cancelled'"
_BOTH: Final = """
SELECT f.event_id, f.id AS former_id, f.state AS former_state, f.number AS former_number,
       o.id AS own_id, o.state AS own_state, o.number AS own_number
FROM club_place f JOIN club_place o ON o.event_id = f.event_id AND o.customer_id = :into_id AND o.state <> 'cancelled'
WHERE f.customer_id = :from_id AND f.state <> 'cancelled' ORDER BY f.event_id
"""
_MOVE: Final = "UPDATE club_place SET customer_id = :into_id WHERE customer_id = :from_id"


class Wording(NamedTuple):
    """What an event is called, what it is about, and where it is, by language."""

    names: Mapping[str, str]
    about: Mapping[str, str] | None
    place: Mapping[str, str]


async def add(
    tx: Transaction, id_: UUID, club: str, wording: Wording, times: Times, places: int, *, by: str, now: datetime
) -> Row[Any]:
    """A new event; its row."""
    return await tx.one(_ADD, id=id_, club=club, places=places, by=by, now=now, **_texts(wording), **times._asdict())


async def change(tx: Transaction, id_: UUID, wording: Wording, times: Times, places: int, *, now: datetime) -> Row[Any]:
    """An event as it will be; its row."""
    return await tx.one(_CHANGE, id=id_, places=places, now=now, **_texts(wording), **times._asdict())


async def cancel(tx: Transaction, id_: UUID, *, by: str, reason: str, now: datetime) -> Row[Any]:
    """The event will not be; its row."""
    return await tx.one(_CANCEL, id=id_, by=by, reason=reason, now=now)


async def one(tx: Transaction, id_: UUID) -> Row[Any] | None:
    """An event, None for an unknown one."""
    return await tx.first(_ONE, id=id_)


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Hold others off these events and their places; their rows by id."""
    return {row.id: row for row in await tx.all(_LOCK, ids=list(ids))}


async def listed(
    tx: Transaction, club: str | None, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """Events of one club or of all, by when they begin."""
    after_at, after_id = after or (None, None)
    return await tx.all(_LIST, club=club, after_at=after_at, after_id=after_id, limit=limit)


async def ask(tx: Transaction, id_: UUID) -> Row[Any] | None:
    """Count one more who asks: the event as it is with him, his number, and whether he has a place."""
    return await tx.first(_ASK, id=id_)


async def take(
    tx: Transaction, id_: UUID, event_id: UUID, customer_id: UUID, *, number: int, has_place: bool, now: datetime
) -> Row[Any] | None:
    """A place, or one on the waiting list; None when he has one already."""
    return await tx.first(
        _TAKE,
        id=id_,
        event_id=event_id,
        customer_id=customer_id,
        state="booked" if has_place else "waiting",
        number=number,
        now=now,
        booked_at=now if has_place else None,
    )


async def give_up(
    tx: Transaction,
    event_id: UUID,
    *,
    reason: str,
    now: datetime,
    customer_id: UUID | None = None,
    place_id: UUID | None = None,
) -> Sequence[Row[Any]]:
    """Cancel the places that stand: one customer's, one alone, or all of the event. It is locked."""
    return await tx.all(_GIVE_UP, event_id=event_id, reason=reason, now=now, customer_id=customer_id, place_id=place_id)


async def count(tx: Transaction, id_: UUID, *, taken: int, waiting: int) -> None:
    """So many more, or fewer, are taken and waited for."""
    await tx.execute(_COUNT, id=id_, taken=taken, waiting=waiting)


async def move_up(tx: Transaction, event_id: UUID, club: str, free: int, *, now: datetime) -> Sequence[Row[Any]]:
    """Give free places to those who waited longest, as far as they are members; their places, in order."""
    rows = await tx.all(_MOVE_UP, event_id=event_id, club=club, free=free, now=now)
    return sorted(rows, key=lambda row: int(row.number))


async def free_for(tx: Transaction, members: Sequence[Member], *, now: datetime) -> list[UUID]:
    """Events to come with free places that one of these waits for."""
    ids, clubs = [one.customer_id for one in members], [one.club for one in members]
    rows: Sequence[Any] = await tx.all(_FREE_FOR, ids=ids, clubs=clubs, now=now)
    return [row[0] for row in rows]


async def standing(tx: Transaction, event_id: UUID) -> Sequence[Row[Any]]:
    """Every place that is booked or waited for, in the order of asking."""
    return await tx.all(_STANDING, event_id=event_id)


async def places(tx: Transaction, event_id: UUID, state: str, *, after: int | None, limit: int) -> Sequence[Row[Any]]:
    """Places of an event in one state, in the order of asking."""
    return await tx.all(_PLACES, event_id=event_id, state=state, after=after, limit=limit)


async def of_customer(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """A customer's places, newest first, whatever became of them."""
    return await tx.all(_OF_CUSTOMER, customer_id=customer_id, after=after, limit=limit)


async def ahead(
    tx: Transaction,
    customer_id: UUID,
    clubs: Collection[str],
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> Sequence[Row[Any]]:
    """Events to come of these clubs, and those he has a place at, with that place."""
    after_at, after_id = after or (None, None)
    return await tx.all(
        _AHEAD, customer_id=customer_id, clubs=list(clubs), after_at=after_at, after_id=after_id, limit=limit, now=now
    )


async def events_of(tx: Transaction, customer_id: UUID) -> list[UUID]:
    """The events that a customer has a place at, or waits for one."""
    return [row.event_id for row in await tx.all(_EVENTS_OF, customer_id=customer_id)]


async def both(tx: Transaction, from_id: UUID, into_id: UUID) -> list[tuple[UUID, Standing, Standing]]:
    """(event, the survivor's place, that of who was merged away) where both have one."""
    rows = await tx.all(_BOTH, from_id=from_id, into_id=into_id)
    return [
        (
            row.event_id,
            Standing(row.own_id, row.own_state, row.own_number),
            Standing(row.former_id, row.former_state, row.former_number),
        )
        for row in rows
    ]


async def move(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """The places of a customer who was merged away are the survivor's."""
    await tx.execute(_MOVE, from_id=from_id, into_id=into_id)


def _texts(wording: Wording) -> dict[str, str | None]:
    return {
        name: None if text is None else json.dumps(dict(text), ensure_ascii=False)
        for name, text in wording._asdict().items()
    }
