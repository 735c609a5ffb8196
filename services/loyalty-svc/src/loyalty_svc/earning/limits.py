"""The heart of limits: how much of an award fits, in periods of the programme's zone.

A counter knows what was given under one name in one period, to one customer or to everyone. It counts what was given;
what is taken back later does not open it again, so an award never depends on refunds. Which of two awards is cut is
decided by which arrived first; the sum is the same in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

EVERYONE: Final = UUID(int=0)
"""Stands for the customer where all are counted together."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Where the period `ever` begins."""
POINTS_MAX: Final = 10**12
"""No award is larger."""

Per = Literal["hour", "day", "week", "month", "ever"]
Way = Literal["cap", "refuse", "hold"]


class Key(NamedTuple):
    """Names a counter: whose rule (`rule:<code>`, or `programme`), whose customer, which period."""

    scope: str
    customer_id: UUID
    per: Per
    starts_at: datetime


def scope_of(code: str) -> str:
    """The scope of a rule's own limits."""
    return f"rule:{code}"


def last_of(code: str, customer_id: UUID) -> Key:
    """The counter that knows a customer's latest award of a rule."""
    return Key(scope_of(code), customer_id, "ever", EPOCH)


@dataclass(slots=True)
class Counter:
    """What was given, and what this batch adds. last_at: when the latest counted event happened."""

    points: int = 0
    awards: int = 0
    last_at: datetime | None = None
    added_points: int = 0
    added_awards: int = 0

    def add(self, points: int, awards: int, at: datetime | None) -> None:
        """Count an award, or take one off again."""
        self.points += points
        self.awards += awards
        self.added_points += points
        self.added_awards += awards
        if at is not None and (self.last_at is None or at > self.last_at):
            self.last_at = at


Counters = Mapping[Key, Counter]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. name: as people see it in what was cut: `customer/day`, `budget`, `programme/customer/month`."""

    scope: str
    is_of_customer: bool
    per: Per
    is_points: bool
    at_most: int
    way: Way
    name: str

    def key(self, customer_id: UUID, at: datetime, zone: ZoneInfo) -> Key:
        """The counter that it looks at for something that happened at `at`."""
        return Key(
            self.scope, customer_id if self.is_of_customer else EVERYONE, self.per, starts_at(self.per, at, zone)
        )


@dataclass(frozen=True, slots=True)
class Cooldown:
    """At least so long between two awards of one customer by one rule."""

    code: str
    wait: timedelta

    def key(self, customer_id: UUID) -> Key:
        """The counter that knows the last award."""
        return last_of(self.code, customer_id)

    def refuses(self, counter: Counter, at: datetime) -> bool:
        """Whether `at` is too near to the latest award, before it or after it."""
        return counter.last_at is not None and abs(at - counter.last_at) < self.wait


class Fit(NamedTuple):
    """What of an award fits. cut_by: the limit that made it less, or held it; None when nothing did."""

    points: int
    cut_by: str | None
    is_held: bool


def starts_at(per: Per, at: datetime, zone: ZoneInfo) -> datetime:
    """When the period that holds `at` began, in UTC.

    Days begin at midnight in `zone`, whatever its clocks do; an hour that its clocks show twice is two.
    """
    if per == "ever":
        return EPOCH
    here = at.astimezone(zone)
    if per == "hour":
        return here.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    day = here.date()
    if per == "week":
        day -= timedelta(days=day.weekday())
    elif per == "month":
        day = day.replace(day=1)
    return _midnight(day, zone)


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def fit(wanted: int, limits: Sequence[tuple[Limit, Counter]]) -> Fit:
    """How many of `wanted` points the limits let through, without counting them.

    Limits that refuse or hold look at what all caps leave, so that it does not matter in which order they are listed.
    """
    allowed, cut_by, is_held = wanted, None, False
    for limit, counter in limits:
        # A limit of awards never caps.
        if limit.way == "cap" and allowed > (room := limit.at_most - counter.points):
            if room <= 0:
                return Fit(0, limit.name, False)
            allowed, cut_by = room, limit.name
    for limit, counter in limits:
        if limit.way == "cap" or _has_room(limit, counter, allowed):
            continue
        if limit.way == "refuse":
            return Fit(0, limit.name, False)
        is_held, cut_by = True, cut_by or limit.name
    return Fit(allowed, cut_by, is_held)


def _has_room(limit: Limit, counter: Counter, points: int) -> bool:
    """Whether an award of so many points fits."""
    if limit.is_points:
        return counter.points + points <= limit.at_most
    return counter.awards < limit.at_most


def count(counters: Iterable[Counter], points: int, at: datetime) -> None:
    """Count one award in each of its counters."""
    for counter in counters:
        counter.add(points, 1, at)


def give_back(counters: Iterable[Counter], points: int) -> None:
    """An award that was counted did not come about."""
    for counter in counters:
        counter.add(-points, -1, None)
