"""The heart of club events: who may book, and whose place is given up when two customers turn out to be one. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from moat.kit.problems import FieldError

State = Literal["booked", "waiting", "cancelled"]
PLACES_MAX: Final = 2_000
WAITING_MAX: Final = 2_000
"""So many may wait for one event."""


class Reason(StrEnum):
    """Why there is no place to be had, or none to give up."""

    CANCELLED = "cancelled"
    BEGUN = "begun"
    NOT_OPEN = "not_open"
    CLOSED = "closed"
    NOT_A_MEMBER = "not_a_member"
    LIST_FULL = "list_full"


class Times(NamedTuple):
    """When an event is, and when it can be booked: from `opens_at` (None: at once) to `closes_at` (None: its start)."""

    starts_at: datetime
    ends_at: datetime
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def wrong_times(times: Times, now: datetime) -> list[FieldError]:
    """What does not fit together."""
    closes_at = times.closes_at or times.starts_at
    errors = []
    if times.starts_at <= now:
        errors.append(FieldError("/starts_at", "must be in the future"))
    if times.ends_at <= times.starts_at:
        errors.append(FieldError("/ends_at", "must be after starts_at"))
    if closes_at > times.starts_at:
        errors.append(FieldError("/closes_at", "must not be after starts_at"))
    if times.opens_at is not None and times.opens_at >= closes_at:
        errors.append(FieldError("/opens_at", "must be before booking ends"))
    return errors


def against_booking(event: Any, *, is_member: bool, now: datetime) -> Reason | None:
    """What speaks against booking now. event: a row of `club_event`."""
    if (found := against_changes(event, now)) is not None:
        return found
    if event.opens_at is not None and now < event.opens_at:
        return Reason.NOT_OPEN
    if event.closes_at is not None and event.closes_at <= now:
        return Reason.CLOSED
    return None if is_member else Reason.NOT_A_MEMBER


def against_changes(event: Any, now: datetime) -> Reason | None:
    """What speaks against changing anything about an event or its places."""
    if event.cancelled_at is not None:
        return Reason.CANCELLED
    return Reason.BEGUN if event.starts_at <= now else None


class Standing(NamedTuple):
    """A place that stands: booked, or waiting with the `number` of asking."""

    id: UUID
    state: State
    number: int


def given_up(own: Standing, former: Standing) -> Standing:
    """Of two places of one person the one that he does not need: who waits, else who asked later."""
    if own.state != former.state:
        return own if own.state == "waiting" else former
    return max(own, former, key=lambda one: one.number)
