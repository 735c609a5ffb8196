"""The HTTP door of club events: staff plan them, members book and give up their places."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from loyalty_svc.club_events import queries, usecases
from loyalty_svc.club_events.booking import State
from loyalty_svc.club_events.problems import (
    EventOver,
    FewerThanTaken,
    NoPlace,
    NotBooked,
    PlaceTaken,
    UnknownClubEvent,
)
from loyalty_svc.club_events.schemas import (
    EventAheadOut,
    EventCancelIn,
    EventChangeIn,
    EventIn,
    EventOut,
    NothingIn,
    PlaceOut,
)
from loyalty_svc.clubs import usecases as clubs
from loyalty_svc.clubs.problems import UnknownClub
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import Caller, allow
from moat.kit.web import Db, IfMatch, Language, Now, Once, Page, PageQuery, etag, problems

router = APIRouter(tags=["clubs"])
StaffReader = Depends(allow("loyalty:read"))
StaffWriter = Annotated[Caller, Depends(allow("loyalty:write"))]
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write", customers=True))]
_EVENTS = "/v1/loyalty/club-events"
_EVENT = _EVENTS + "/{event_id}"
_OWN = "/v1/customers/{customer_id}/loyalty/club-events"


@router.post(_EVENTS, status_code=201, responses=problems(UnknownClub))
async def plan_event(body: EventIn, caller: StaffWriter, once: Once, clock: Now) -> EventOut:
    """Plan an event of a club."""
    now = clock.now()
    async with once.transaction() as tx:
        row = await usecases.plan(
            tx, body.club, body.wording(), body.times(), body.places, by=caller.principal, now=now
        )
        return await once.answer(tx, EventOut.of(row, now), status=201, headers={"ETag": f'"{row.revision}"'})


@router.get(_EVENTS, dependencies=[StaffReader])
async def list_events(
    db: Db,
    clock: Now,
    page: PageQuery,
    club: Annotated[str | None, Query(min_length=1, max_length=64, description="only of this club")] = None,
) -> Page[EventOut]:
    """Events, by when they begin; past and cancelled ones too."""
    after, now = page.after_as(datetime, UUID), clock.now()
    async with db.transaction() as tx:
        rows = await queries.listed(tx, club, after=(after[0], after[1]) if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.starts_at, row.id), of=lambda row: EventOut.of(row, now))


@router.get(_EVENT, dependencies=[StaffReader], responses=problems(UnknownClubEvent))
async def read_event(event_id: UUID, db: Db, clock: Now, response: Response) -> EventOut:
    """One event, with its ETag."""
    async with db.transaction() as tx:
        row = await usecases.known(tx, event_id)
    etag(response, row.revision)
    return EventOut.of(row, clock.now())


@router.put(_EVENT, responses=problems(UnknownClubEvent, EventOver, FewerThanTaken))
async def change_event(
    event_id: UUID, body: EventChangeIn, revision: IfMatch, caller: StaffWriter, db: Db, clock: Now, response: Response
) -> EventOut:
    """Change an event before it begins. More places go to those who wait; another time or place is told to all."""
    now = clock.now()
    async with db.transaction() as tx:
        row = await usecases.change(tx, event_id, body.wording(), body.times(), body.places, revision=revision, now=now)
    etag(response, row.revision)
    return EventOut.of(row, now)


@router.post(_EVENT + "/cancel", responses=problems(UnknownClubEvent, EventOver))
async def cancel_event(
    event_id: UUID, body: EventCancelIn, revision: IfMatch, caller: StaffWriter, once: Once, clock: Now
) -> EventOut:
    """Call an event off, for a reason; everybody who has a place or waits is told."""
    now = clock.now()
    async with once.transaction() as tx:
        row = await usecases.cancel(tx, event_id, revision=revision, by=caller.principal, reason=body.reason, now=now)
        return await once.answer(tx, EventOut.of(row, now), headers={"ETag": f'"{row.revision}"'})


@router.get(_EVENT + "/places", dependencies=[StaffReader], responses=problems(UnknownClubEvent))
async def list_places(event_id: UUID, db: Db, page: PageQuery, state: State = "booked") -> Page[PlaceOut]:
    """Who comes, who waits, who gave up, in the order of asking."""
    after = page.after_as(int)
    async with db.transaction() as tx:
        await usecases.known(tx, event_id)
        rows = await queries.places(tx, event_id, state, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.number,), of=PlaceOut.of)


@router.get(_OWN, responses=problems(UnknownCustomer))
async def list_events_ahead(
    access: Reader, db: Db, clock: Now, page: PageQuery, language: Language
) -> Page[EventAheadOut]:
    """The events to come of the clubs he is in, with his place or his position on the waiting list."""
    after, now = page.after_as(datetime, UUID), clock.now()
    # Positions count those before him, whom his own role cannot see: the query asks for his places only.
    async with db.transaction() as tx:
        stays = await clubs.memberships(tx, access.id)
        own = {code for code, stay in stays.items() if stay.is_member(now)}
        rows = await queries.ahead(
            tx, access.id, own, after=(after[0], after[1]) if after else None, limit=page.limit + 1, now=now
        )
    return page.page(
        rows,
        key=lambda row: (row.starts_at, row.id),
        of=lambda row: EventAheadOut.of(row, is_member=row.club in own, now=now, language=language),
    )


@router.get("/v1/customers/{customer_id}/loyalty/club-places", responses=problems(UnknownCustomer))
async def list_own_places(access: Reader, db: Db, page: PageQuery) -> Page[PlaceOut]:
    """A customer's places, newest first, those he waits for and those that were given up."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.of_customer(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=PlaceOut.of)


@router.post(
    _OWN + "/{event_id}/book",
    status_code=201,
    responses=problems(UnknownCustomer, UnknownClubEvent, NoPlace, PlaceTaken),
)
async def book_place(event_id: UUID, body: NothingIn, access: Writer, once: Once, clock: Now) -> PlaceOut:
    """Book a place at an event of a club he is in; when all are taken, one on the waiting list."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.book(tx, event_id, customer_id, now=clock.now())
        return await once.answer(tx, PlaceOut.of(row), status=201)


@router.post(_OWN + "/{event_id}/cancel", responses=problems(UnknownCustomer, UnknownClubEvent, NotBooked, EventOver))
async def cancel_place(event_id: UUID, body: NothingIn, access: Writer, once: Once, clock: Now) -> PlaceOut:
    """Give up a place, or one on the waiting list; whoever waited longest moves up at once."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        reason = "by_staff" if access.own is None else "by_member"
        row = await usecases.give_place_up(tx, event_id, customer_id, reason=reason, now=clock.now())
        return await once.answer(tx, PlaceOut.of(row))
