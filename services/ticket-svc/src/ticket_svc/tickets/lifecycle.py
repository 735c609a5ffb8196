"""The heart of tickets: who may do what in which state, and what comes of it.

The state machine is the table MOVES; CHECKs on `ticket` and `ticket_entry` mirror it, so that a state which cannot be
reached cannot be stored either. Solved is not closed: a solved ticket may be reopened, a closed one never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from moat.kit.ids import uuid7
from moat.kit.problems import Conflict

Kind = Literal["question", "complaint", "after_sales", "suggestion", "follow_up"]
Channel = Literal["phone", "wechat", "wecom", "email", "web", "app", "api", "event"]
Priority = Literal["low", "normal", "high", "urgent"]
Visibility = Literal["public", "internal"]
ActorKind = Literal["staff", "key", "customer", "system"]

HISTORY_ENTRIES_MAX: Final = 1_000


class Status(StrEnum):
    """Open waits for us, pending for the customer."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class Move(StrEnum):
    """What can be done to a ticket. Answer, write and note are the three kinds of reply."""

    ANSWER = "answer"
    WRITE = "write"
    NOTE = "note"
    SOLVE = "solve"
    CLOSE = "close"
    REOPEN = "reopen"
    DROP = "drop"


_AT_WORK: Final = (Status.OPEN, Status.PENDING)
_OFFICE: Final[frozenset[ActorKind]] = frozenset({"staff", "key", "system"})

MOVES: Final[Mapping[Move, Mapping[Status, Status]]] = {
    # We answered: now it is the customer's turn. An answer to a solved ticket leaves it solved.
    Move.ANSWER: {Status.OPEN: Status.PENDING, Status.PENDING: Status.PENDING, Status.SOLVED: Status.SOLVED},
    # The customer wrote: it waits for us again, solved or not.
    Move.WRITE: dict.fromkeys((*_AT_WORK, Status.SOLVED), Status.OPEN),
    Move.NOTE: {Status.OPEN: Status.OPEN, Status.PENDING: Status.PENDING, Status.SOLVED: Status.SOLVED},
    Move.SOLVE: dict.fromkeys(_AT_WORK, Status.SOLVED),
    Move.CLOSE: {Status.SOLVED: Status.CLOSED},
    Move.REOPEN: {Status.SOLVED: Status.OPEN},
    # A second ticket for the same thing, found when two customers became one.
    Move.DROP: dict.fromkeys(_AT_WORK, Status.CLOSED),
}
WHO: Final[Mapping[Move, frozenset[ActorKind]]] = {
    Move.ANSWER: _OFFICE,
    Move.WRITE: frozenset({"customer"}),
    Move.NOTE: _OFFICE,
    Move.SOLVE: _OFFICE,
    Move.CLOSE: _OFFICE,
    Move.REOPEN: _OFFICE | {"customer"},
    Move.DROP: frozenset({"system"}),
}
# What each move is called among the actions of the API; a drop is nobody's to choose.
ACTIONS: Final[Mapping[Move, str]] = {
    Move.ANSWER: "reply",
    Move.WRITE: "reply",
    Move.SOLVE: "solve",
    Move.CLOSE: "close",
    Move.REOPEN: "reopen",
}


class IllegalTransition(Conflict):
    """The state of the ticket does not allow this."""

    code, title = "tickets.illegal-transition", "The state of this ticket does not allow that"


class HistoryFull(Conflict):
    """So long a ticket belongs into a new one."""

    code, title = "tickets.history-full", "This ticket has too many entries; open a new one"


class AnotherIsOpen(Conflict):
    """A follow-up of the same rule is open for this customer."""

    code, title = "tickets.another-is-open", "Another ticket of the same rule is open for this customer"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it; `id` is null for the system."""

    kind: ActorKind
    id: str | None = None


SYSTEM: Final = Actor("system")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands. Instants are aware UTC; `reason` is the code of the last change of state, if any."""

    id: UUID
    number: int
    customer_id: UUID
    kind: Kind
    channel: Channel
    priority: Priority
    subject: str
    body: str
    status: Status
    opened_at: datetime
    updated_at: datetime
    solved_at: datetime | None = None
    closed_at: datetime | None = None
    resolution: str | None = None
    reason: str | None = None
    rule: str | None = None
    rule_version: int | None = None
    entries_count: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ticket's history; `reason` is a code, `cause` the id of the event that did it."""

    id: UUID
    ticket_id: UUID
    customer_id: UUID
    at: datetime
    kind: str
    actor: Actor
    visibility: Visibility = "public"
    from_status: Status | None = None
    to_status: Status | None = None
    body: str | None = None
    reason: str | None = None
    cause: str | None = None


def opening(ticket: Ticket, actor: Actor, *, cause: str | None = None) -> Entry:
    """The first line of a new ticket's history."""
    return Entry(
        id=uuid7(),
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        at=ticket.opened_at,
        kind="opened",
        actor=actor,
        to_status=ticket.status,
        cause=cause,
    )


def make_move(
    ticket: Ticket,
    move: Move,
    actor: Actor,
    at: datetime,
    *,
    text: str | None = None,
    reason: str | None = None,
    cause: str | None = None,
) -> tuple[Ticket, Entry]:
    """The ticket after the move and the line of its history that says so.

    `text` is what was written, or the resolution. Raises IllegalTransition or HistoryFull.
    """
    if actor.kind not in WHO[move] or ticket.status not in MOVES[move]:
        raise IllegalTransition(ticket_status=ticket.status, allowed_actions=allowed_actions(ticket.status, actor.kind))
    if ticket.entries_count >= HISTORY_ENTRIES_MAX and actor.kind != "system":
        raise HistoryFull(entries_max=HISTORY_ENTRIES_MAX)
    status = MOVES[move][ticket.status]
    changed = status is not ticket.status
    after = replace(ticket, status=status, updated_at=at, entries_count=ticket.entries_count + 1)
    if changed:
        after = replace(
            after,
            reason=reason,
            solved_at=at if status is Status.SOLVED else (ticket.solved_at if status is Status.CLOSED else None),
            closed_at=at if status is Status.CLOSED else None,
            resolution=text if status is Status.SOLVED else (ticket.resolution if status is Status.CLOSED else None),
        )
    entry = Entry(
        id=uuid7(),
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        at=at,
        kind=_KINDS[move],
        actor=actor,
        visibility="internal" if move in (Move.NOTE, Move.DROP) else "public",
        from_status=ticket.status if changed else None,
        to_status=status if changed else None,
        body=text,
        reason=reason,
        cause=cause,
    )
    return after, entry


_KINDS: Final[Mapping[Move, str]] = {
    Move.ANSWER: "replied",
    Move.WRITE: "replied",
    Move.NOTE: "replied",
    Move.SOLVE: "solved",
    Move.CLOSE: "closed",
    Move.REOPEN: "reopened",
    Move.DROP: "closed",
}


def allowed_actions(status: Status, actor: ActorKind) -> list[str]:
    """What this kind of caller may do to a ticket in this state, in the API's words."""
    return [action for move, action in ACTIONS.items() if actor in WHO[move] and status in MOVES[move]]


def reply_by(actor: Actor, visibility: Visibility) -> Move:
    """Which kind of reply it is; a customer's is public whatever he asks for."""
    if actor.kind == "customer":
        return Move.WRITE
    return Move.NOTE if visibility == "internal" else Move.ANSWER
