"""HTTP door of tickets. Customers see their own, other than follow-ups and without internal notes."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from moat.customers.access import CustomerOnTheWay, UnknownCustomer, accessible
from moat.customers.follow import lock_customer
from moat.kit.problems import Forbidden
from moat.kit.web import Db, Now, Once, Page, PageQuery, problems
from ticket_svc.tickets import queries, usecases
from ticket_svc.tickets.callers import Officer, Reader, Visitor, Writer
from ticket_svc.tickets.lifecycle import AnotherIsOpen, HistoryFull, IllegalTransition, Kind, Move, Status, reply_by
from ticket_svc.tickets.schemas import ReplyIn, SolveIn, TicketIn, TicketOut, TicketWithHistoryOut
from ticket_svc.tickets.usecases import UnknownTicket

router: Final = APIRouter(prefix="/v1/tickets", tags=["tickets"])


@router.post("", status_code=201, responses=problems(UnknownCustomer, CustomerOnTheWay))
async def open_ticket(body: TicketIn, once: Once, clock: Now, visitor: Writer) -> TicketOut:
    """Open a ticket for a customer; follow-ups are for staff."""
    async with once.transaction() as tx:
        await lock_customer(tx, body.customer_id)
        customer_id = await accessible(tx, visitor.caller, body.customer_id, clock, customers=True)
        if visitor.own is not None and body.kind == "follow_up":
            raise Forbidden("Follow-ups are not for customer tokens")
        [ticket] = await usecases.open_tickets(tx, [body.to_draft(customer_id)], visitor.actor, at=clock.now())
        return await once.answer(tx, TicketOut.of(ticket, visitor), status=201)


@router.get("", responses=problems(UnknownCustomer))
async def list_tickets(
    db: Db,
    clock: Now,
    visitor: Reader,
    page: PageQuery,
    customer_id: UUID | None = None,
    status: Status | None = None,
    kind: Kind | None = None,
) -> Page[TicketOut]:
    """Tickets, newest first."""
    after = page.after_as(int)
    if customer_id is not None:
        async with db.transaction() as tx:
            customer_id = await accessible(tx, visitor.caller, customer_id, clock, customers=True)
    async with db.transaction(customer=visitor.own) as tx:
        rows = await queries.page(
            tx,
            limit=page.limit + 1,
            customer_id=customer_id if visitor.own is None else visitor.own,
            status=status,
            kind=kind,
            number=after[0] if after else None,
        )
    return page.page(rows, key=lambda ticket: (ticket.number,), of=lambda ticket: TicketOut.of(ticket, visitor))


@router.get("/{ticket_id}", responses=problems(UnknownTicket))
async def read_ticket(ticket_id: UUID, db: Db, visitor: Reader) -> TicketWithHistoryOut:
    """A ticket with its history."""
    async with db.transaction(customer=visitor.own) as tx:
        ticket = usecases.visible(await queries.one(tx, ticket_id), visitor.own)
        entries = await queries.history(tx, ticket_id)
    if visitor.own is not None:
        entries = [entry for entry in entries if entry.visibility == "public"]
    return TicketWithHistoryOut.with_history(ticket, entries, visitor)


@router.post("/{ticket_id}/replies", status_code=201, responses=problems(UnknownTicket, IllegalTransition, HistoryFull))
async def reply(ticket_id: UUID, body: ReplyIn, once: Once, clock: Now, visitor: Writer) -> TicketOut:
    """Write into a ticket: our public reply makes it pending, the customer's opens it again."""
    if visitor.own is not None and body.visibility == "internal":
        raise Forbidden("Internal notes are not for customer tokens")
    async with once.transaction() as tx:
        ticket = await usecases.move_one(
            tx,
            ticket_id,
            reply_by(visitor.actor, body.visibility),
            visitor.actor,
            own=visitor.own,
            at=clock.now(),
            text=body.body,
        )
        return await once.answer(tx, TicketOut.of(ticket, visitor), status=201)


@router.post("/{ticket_id}/solve", responses=problems(UnknownTicket, IllegalTransition, HistoryFull))
async def solve(ticket_id: UUID, body: SolveIn, once: Once, clock: Now, visitor: Officer) -> TicketOut:
    """Solve a ticket and say how."""
    return await _move(ticket_id, Move.SOLVE, once, clock, visitor, text=body.resolution)


@router.post("/{ticket_id}/close", responses=problems(UnknownTicket, IllegalTransition, HistoryFull))
async def close(ticket_id: UUID, once: Once, clock: Now, visitor: Officer) -> TicketOut:
    """Close a solved ticket for good."""
    return await _move(ticket_id, Move.CLOSE, once, clock, visitor)


@router.post("/{ticket_id}/reopen", responses=problems(UnknownTicket, IllegalTransition, HistoryFull, AnotherIsOpen))
async def reopen(ticket_id: UUID, once: Once, clock: Now, visitor: Writer) -> TicketOut:
    """Open a solved ticket again."""
    return await _move(ticket_id, Move.REOPEN, once, clock, visitor)


async def _move(
    ticket_id: UUID, move: Move, once: Once, clock: Now, visitor: Visitor, *, text: str | None = None
) -> TicketOut:
    async with once.transaction() as tx:
        ticket = await usecases.move_one(tx, ticket_id, move, visitor.actor, own=visitor.own, at=clock.now(), text=text)
        return await once.answer(tx, TicketOut.of(ticket, visitor))
