"""Tickets; what people wrote stays in ticket-svc."""

from typing import ClassVar, Literal
from uuid import UUID

from moat.kit.events import EventData

Kind = Literal["question", "complaint", "after_sales", "suggestion", "follow_up"]
Channel = Literal["phone", "wechat", "wecom", "email", "web", "app", "api", "event"]
Status = Literal["open", "pending", "solved", "closed"]
Priority = Literal["low", "normal", "high", "urgent"]


class TicketFact(EventData):
    """What every event of a ticket says; the customer is `about`."""

    TOPIC: ClassVar[str] = "moat.tickets"
    AGGREGATE_ID: ClassVar[str | None] = "ticket_id"
    ticket_id: UUID
    number: int
    kind: Kind


class TicketOpened(TicketFact):
    """A ticket was opened, by a person or born from an event."""

    TYPE = "moat.ticket.opened.v1"
    channel: Channel
    priority: Priority
    rule: str | None = None


class TicketReplied(TicketFact):
    """Somebody wrote into it."""

    TYPE = "moat.ticket.replied.v1"
    visibility: Literal["public", "internal"]
    author: Literal["staff", "customer", "system"]


class TicketStatusChanged(TicketFact):
    """Its state changed; published with every change, also where a more telling event is."""

    TYPE = "moat.ticket.status_changed.v1"
    from_status: Status
    to_status: Status
    reason: str | None = None
    """A code, never free text."""


class TicketSolved(TicketFact):
    """It was solved."""

    TYPE = "moat.ticket.solved.v1"
    reason: str | None = None


class TicketClosed(TicketFact):
    """It was closed."""

    TYPE = "moat.ticket.closed.v1"


class TicketReopened(TicketFact):
    """It was opened again."""

    TYPE = "moat.ticket.reopened.v1"


EVENTS = (TicketOpened, TicketReplied, TicketStatusChanged, TicketSolved, TicketClosed, TicketReopened)
