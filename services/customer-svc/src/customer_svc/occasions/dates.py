"""The heart of occasions: when a customer's days come round, and when that is to be told. Pure.

An occasion is told at the beginning of a day in the customer's zone, some days ahead and on the day itself. Each is
told once for each year of the calendar that it is counted in, however often the file is corrected.

Who was born on 29 February has his day on the 28th in other years; a lunar thirtieth falls on the 29th of a short
month; and who was born in a leap month has it in the ordinary month of that number.
"""

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from customer_svc.occasions.lunar import civil_day

BIRTHDAY: Final = "birthday"
BIRTHDAY_MONTH: Final = "birthday_month"
ANNIVERSARY: Final = "anniversary"
DAYS_AHEAD: Final[Mapping[str, tuple[int, ...]]] = {BIRTHDAY: (7, 0), BIRTHDAY_MONTH: (0,), ANNIVERSARY: (7, 0)}
"""Each kind, and how many days ahead it is told."""

DEFAULT_ZONE: Final = "Asia/Shanghai"
CATCH_UP: Final = timedelta(days=31)
"""What an outage held back longer than this is not told any more."""
_YEARS_LOOKED_AHEAD: Final = 2
_INSTANT: Final = timedelta(microseconds=1)

Calendar = Literal["solar", "lunar"]


class Birthday(NamedTuple):
    """Month and day in one calendar; the year of birth is nobody's business here."""

    month: int
    day: int
    calendar: Calendar = "solar"


@dataclass(frozen=True, slots=True)
class Person:
    """What a customer's file says of his days; the zone is an IANA name, `customer_since` aware UTC."""

    birthday: Birthday | None
    zone: str
    customer_since: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """A person, and up to which instants (aware UTC) everything that fell due has been told."""

    person: Person
    birthdays_told_until: datetime
    anniversaries_told_until: datetime


class Occurrence(NamedTuple):
    """A day that comes round. `year` is that of its calendar; `years` since the first, where they are counted."""

    kind: str
    occurs_on: date
    year: int
    years: int | None = None


class Due(NamedTuple):
    """Something to be told from an instant (aware UTC) on."""

    due_at: datetime
    days_ahead: int
    what: Occurrence


def read_birthday(text: str | None, calendar: str | None) -> Birthday | None:
    """Of a file's `YYYY-MM-DD` and its calendar, which is solar unless it says lunar."""
    if not text:
        return None
    _, month, day = text.split("-")
    return Birthday(int(month), int(day), "lunar" if calendar == "lunar" else "solar")


def watched_from(person: Person, now: datetime) -> Watch:
    """Watch from now on: a birthday that is today is still told, an anniversary that is today is the past."""
    return Watch(person, begin_of_today(person, now) - _INSTANT, now)


def follow(watch: Watch, person: Person, now: datetime) -> Watch:
    """The file says something else now. What came due by the old dates was told before this."""
    birthdays, anniversaries = watch.birthdays_told_until, watch.anniversaries_told_until
    if person.birthday != watch.person.birthday:
        birthdays = begin_of_today(person, now) - _INSTANT
    if person.customer_since != watch.person.customer_since:
        anniversaries = now
    return Watch(person, birthdays, anniversaries)


def due(watch: Watch, until: datetime) -> list[Due]:
    """What is to be told by `until`, the earliest first; what is older than the catch-up is not told any more."""
    oldest = until - CATCH_UP
    return sorted(one for one in _coming(watch, until) if oldest < one.due_at <= until)


def next_due_at(watch: Watch, now: datetime) -> datetime | None:
    """When there is something to tell next; None for never (a lunar birthday after the table's end)."""
    return min((one.due_at for one in _coming(watch, now)), default=None)


def next_occurrences(person: Person, today: date) -> list[Occurrence]:
    """The next day of each kind, from today on."""
    found: dict[str, Occurrence] = {}
    for one in _occurrences(person, today.year - 1, today.year + _YEARS_LOOKED_AHEAD):
        if one.occurs_on >= today and (one.kind not in found or one.occurs_on < found[one.kind].occurs_on):
            found[one.kind] = one
    return sorted(found.values(), key=lambda one: (one.occurs_on, one.kind))


def today_of(person: Person, now: datetime) -> date:
    """The civil day in the person's zone."""
    return now.astimezone(ZoneInfo(person.zone)).date()


def begin_of_today(person: Person, now: datetime) -> datetime:
    """The instant at which the person's day began."""
    return _begin_of(today_of(person, now), person.zone)


def _coming(watch: Watch, now: datetime) -> Iterator[Due]:
    """Everything not told yet, up to two years ahead of `now`."""
    person = watch.person
    oldest = min(watch.birthdays_told_until, watch.anniversaries_told_until, now)
    first = max(oldest, now - CATCH_UP).astimezone(ZoneInfo(person.zone)).date()
    for what in _occurrences(person, first.year - 1, now.year + _YEARS_LOOKED_AHEAD):
        if what.occurs_on < first:
            continue
        told_until = watch.anniversaries_told_until if what.kind == ANNIVERSARY else watch.birthdays_told_until
        for days_ahead in DAYS_AHEAD[what.kind]:
            due_at = _begin_of(what.occurs_on - timedelta(days_ahead), person.zone)
            if due_at > told_until:
                yield Due(due_at, days_ahead, what)


def _occurrences(person: Person, first_year: int, last_year: int) -> Iterator[Occurrence]:
    since = person.customer_since.astimezone(ZoneInfo(person.zone)).date()
    for year in range(first_year, last_year + 1):
        if year > since.year:
            yield Occurrence(ANNIVERSARY, _in_year(since.month, since.day, year), year, year - since.year)
        birthday = person.birthday
        day = birthday and _birthday_in(birthday, year)
        if day:
            yield Occurrence(BIRTHDAY, day, year)
            yield Occurrence(BIRTHDAY_MONTH, day.replace(day=1), year)


def _birthday_in(birthday: Birthday, year: int) -> date | None:
    if birthday.calendar == "lunar":
        return civil_day(year, birthday.month, birthday.day)
    return _in_year(birthday.month, birthday.day, year)


def _in_year(month: int, day: int, year: int) -> date:
    """The day in that year, the last of February where February is too short (a lunar date read as solar, too)."""
    if month == 2:
        return date(year, 2, min(day, 29 if isleap(year) else 28))
    return date(year, month, min(day, 30) if month in (4, 6, 9, 11) else day)


def _begin_of(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
