"""Which events tell of a change: no text of a person is in them."""

from datetime import datetime
from typing import Any

from moat.contracts.tickets import (
    TicketClosed,
    TicketFact,
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketSolved,
    TicketStatusChanged,
)
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from ticket_svc.tickets.lifecycle import Entry, Status, Ticket


def announce_opening(tx: Transaction, ticket: Ticket, *, time: datetime, cause: Event[Any] | None) -> None:
    """Say that a ticket was opened."""
    data = TicketOpened(
        ticket_id=ticket.id,
        number=ticket.number,
        kind=ticket.kind,
        channel=ticket.channel,
        priority=ticket.priority,
        rule=ticket.rule,
    )
    tx.publish(data, about=ticket.customer_id, time=time, cause=cause)


def announce(
    tx: Transaction, before: Ticket, after: Ticket, entry: Entry, *, time: datetime, cause: Event[Any] | None
) -> None:
    """Say what a move has changed, the most telling event last."""
    for data in _told(before, after, entry):
        tx.publish(data, about=after.customer_id, time=time, cause=cause)


def _told(before: Ticket, after: Ticket, entry: Entry) -> list[TicketFact]:
    told: list[TicketFact] = []
    if entry.kind == "replied":
        author = "staff" if entry.actor.kind == "key" else entry.actor.kind
        told.append(
            TicketReplied(
                ticket_id=after.id, number=after.number, kind=after.kind, visibility=entry.visibility, author=author
            )
        )
    if after.status is before.status:
        return told
    told.append(
        TicketStatusChanged(
            ticket_id=after.id,
            number=after.number,
            kind=after.kind,
            from_status=before.status.value,
            to_status=after.status.value,
            reason=entry.reason,
        )
    )
    if after.status is Status.SOLVED:
        told.append(TicketSolved(ticket_id=after.id, number=after.number, kind=after.kind, reason=entry.reason))
    elif after.status is Status.CLOSED:
        told.append(TicketClosed(ticket_id=after.id, number=after.number, kind=after.kind))
    elif before.status is Status.SOLVED:
        told.append(TicketReopened(ticket_id=after.id, number=after.number, kind=after.kind))
    return told
