"""What is done with tickets, inside the transaction it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import partings
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import NotFound
from ticket_svc.tickets import queries
from ticket_svc.tickets.announcements import announce, announce_opening
from ticket_svc.tickets.lifecycle import (
    SYSTEM,
    Actor,
    Channel,
    Kind,
    Move,
    Priority,
    Status,
    Ticket,
    make_move,
    opening,
)

MERGED: Final = "customer.merged"


class UnknownTicket(NotFound):
    """No ticket has this id, or none that this caller may know of."""

    code, title = "tickets.unknown", "There is no such ticket"


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket to be opened. `cause` is the event it is born from, if any."""

    customer_id: UUID
    kind: Kind
    channel: Channel
    subject: str
    body: str
    priority: Priority = "normal"
    rule: str | None = None
    rule_version: int | None = None
    cause: Event[Any] | None = None


async def open_tickets(tx: Transaction, drafts: Sequence[Draft], actor: Actor, *, at: datetime) -> list[Ticket]:
    """Open tickets and announce them; one born from an event happened when the event did."""
    if not drafts:
        return []
    numbers = await queries.next_numbers(tx, len(drafts))
    tickets = [_opened(draft, number, at) for draft, number in zip(drafts, numbers, strict=True)]
    causes = [draft.cause for draft in drafts]
    await queries.insert(tx, tickets)
    await queries.add_entries(
        tx,
        [
            opening(ticket, actor, cause=cause.id if cause else None)
            for ticket, cause in zip(tickets, causes, strict=True)
        ],
    )
    for ticket, cause in zip(tickets, causes, strict=True):
        announce_opening(tx, ticket, time=cause.time if cause else at, cause=cause)
    return tickets


def _opened(draft: Draft, number: int, at: datetime) -> Ticket:
    return Ticket(
        id=uuid7(),
        number=number,
        customer_id=draft.customer_id,
        kind=draft.kind,
        channel=draft.channel,
        priority=draft.priority,
        subject=draft.subject,
        body=draft.body,
        status=Status.OPEN,
        opened_at=at,
        updated_at=at,
        rule=draft.rule,
        rule_version=draft.rule_version,
    )


async def move_tickets(
    tx: Transaction,
    tickets: Sequence[tuple[Ticket, Event[Any] | None]],
    move: Move,
    actor: Actor,
    *,
    at: datetime,
    text: str | None = None,
    reason: str | None = None,
) -> list[Ticket]:
    """Make the same move with locked tickets, each with its cause; store and announce it.

    Raises IllegalTransition, HistoryFull or AnotherIsOpen, and then nothing is changed.
    """
    moved = [
        make_move(ticket, move, actor, at, text=text, reason=reason, cause=cause.id if cause else None)
        for ticket, cause in tickets
    ]
    if not moved:
        return []
    await queries.save(tx, [after for after, _ in moved])
    await queries.add_entries(tx, [entry for _, entry in moved])
    for (before, cause), (after, entry) in zip(tickets, moved, strict=True):
        announce(tx, before, after, entry, time=cause.time if cause else at, cause=cause)
    return [after for after, _ in moved]


async def move_one(
    tx: Transaction,
    ticket_id: UUID,
    move: Move,
    actor: Actor,
    *,
    own: UUID | None,
    at: datetime,
    text: str | None = None,
) -> Ticket:
    """Make a move with one ticket; `own` is the customer when he calls himself. Raises UnknownTicket besides."""
    ticket = visible(await queries.one(tx, ticket_id, lock=True), own)
    return (await move_tickets(tx, [(ticket, None)], move, actor, at=at, text=text))[0]


def visible(ticket: Ticket | None, own: UUID | None) -> Ticket:
    """The ticket, if this caller may know of it: a customer sees his own other than follow-ups."""
    if ticket is None or (own is not None and (ticket.customer_id != own or ticket.kind == "follow_up")):
        raise UnknownTicket
    return ticket


async def follow_merge(tx: Transaction, merge: Event[CustomerMerged], *, at: datetime) -> None:
    """Give the tickets of the customer who was merged away to the survivor.

    Where both have an open ticket of one rule the older stays; the other is closed with the reason `customer.merged`.
    """
    from_id, to_id = merge.data.from_id, merge.about
    if from_id == to_id:
        return
    both = sorted(await queries.lock_open_follow_ups(tx, [from_id, to_id]), key=lambda ticket: ticket.number)
    kept = {ticket.rule: ticket for ticket in reversed(both)}
    dropped = [(ticket, merge) for ticket in both if ticket.rule is not None and kept[ticket.rule] is not ticket]
    await move_tickets(tx, dropped, Move.DROP, SYSTEM, at=at, reason=MERGED)
    await queries.move(tx, from_id, to_id)


async def follow_splits(tx: Transaction, splits: Sequence[Event[CustomerSplit]]) -> None:
    """Tickets that a merge had moved go back; those opened since stay with the survivor."""
    for one in await partings(tx, splits):
        await queries.give_back(tx, one.origins, one.survivor_id, one.customer_id)
