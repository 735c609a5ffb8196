"""What goes in and out of tickets over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ticket_svc.tickets.callers import Visitor
from ticket_svc.tickets.lifecycle import (
    ActorKind,
    Channel,
    Entry,
    Kind,
    Priority,
    Status,
    Ticket,
    Visibility,
    allowed_actions,
)
from ticket_svc.tickets.usecases import Draft

Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Body = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class Input(BaseModel):
    """What comes in names known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TicketIn(Input):
    """A ticket to be opened."""

    customer_id: UUID
    kind: Kind
    subject: Subject
    body: Body
    channel: Channel
    priority: Priority = "normal"

    def to_draft(self, customer_id: UUID) -> Draft:
        """The draft, for the customer the id has become."""
        return Draft(customer_id, self.kind, self.channel, self.subject, self.body, self.priority)


class ReplyIn(Input):
    """A reply to the customer, or a note that he will not see."""

    body: Body
    visibility: Visibility = "public"


class SolveIn(Input):
    """How it was solved."""

    resolution: Body


class ActorOut(BaseModel):
    """Who did it; `id` is null for the system, and to customers for everybody but themselves."""

    kind: ActorKind
    id: str | None


class EntryOut(BaseModel):
    """One line of the history; `reason` is a code."""

    id: UUID
    at: datetime
    kind: str
    actor: ActorOut
    visibility: Visibility
    from_status: Status | None
    to_status: Status | None
    body: str | None
    reason: str | None
    cause: str | None

    @classmethod
    def of(cls, entry: Entry, visitor: Visitor) -> Self:
        is_outsider = visitor.own is not None
        is_named = not is_outsider or entry.actor.kind == "customer"
        return cls(
            id=entry.id,
            at=entry.at,
            kind=entry.kind,
            actor=ActorOut(kind=entry.actor.kind, id=entry.actor.id if is_named else None),
            visibility=entry.visibility,
            from_status=entry.from_status,
            to_status=entry.to_status,
            body=entry.body,
            reason=entry.reason,
            cause=None if is_outsider else entry.cause,
        )


class TicketOut(BaseModel):
    """A ticket as its caller may see it, with what he may do to it now."""

    id: UUID
    number: int
    customer_id: UUID
    kind: Kind
    channel: Channel
    priority: Priority
    subject: str
    body: str
    status: Status
    reason: str | None
    resolution: str | None
    rule: str | None
    opened_at: datetime
    updated_at: datetime
    solved_at: datetime | None
    closed_at: datetime | None
    allowed_actions: Annotated[list[str], Field(description="Of: reply, solve, close, reopen")]

    @classmethod
    def of(cls, ticket: Ticket, visitor: Visitor, **more: object) -> Self:
        actions = allowed_actions(ticket.status, visitor.caller.kind) if visitor.may_write else []
        seen = {name: getattr(ticket, name) for name in TicketOut.model_fields if name != "allowed_actions"}
        return cls(**seen, allowed_actions=actions, **more)


class TicketWithHistoryOut(TicketOut):
    """The same with its history, oldest first; customers see the public part."""

    history: list[EntryOut]

    @classmethod
    def with_history(cls, ticket: Ticket, entries: Sequence[Entry], visitor: Visitor) -> Self:
        return cls.of(ticket, visitor, history=[EntryOut.of(entry, visitor) for entry in entries])
