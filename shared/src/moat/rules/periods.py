"""Dates in conditions: every temporal value stands for a half-open period, so that all operators have one meaning.

`=` is inside, `!=` outside, `<` before it begins, `<=` before it ends, `>` after it ended, `>=` not before it begins.

| value | period |
|---|---|
| `"2026-11-20"` | that civil day in the catalogue's zone |
| `"2026-11-20T08:00:00Z"` (instant fields) | that instant |
| `{"last": 30, "unit": "days"}` | from 30 days ago to now, both included; by the day on date fields |
| `{"next": 7, "unit": "days"}` | from now to 7 days ahead, both included |
| `{"ago": 90, "unit": "days"}`, `{"ahead": 3, "unit": "days"}` | that instant, or that day on date fields |
| `{"this": "month"}`, `{"this": "month", "offset": -1}` | that day, week (from Monday), month, quarter or year |

Units: minutes and hours (instant fields only, elapsed time), days, weeks, months, years (by the calendar in the
zone: the same time of day, a month's end clamped, 29 February less a year is 28 February).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T", date, datetime)
YEARS: Final = range(1900, 2201)
TICK: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)
ELAPSED: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
# No relative date reaches further than about a hundred years.
AMOUNT_MAX: Final = {
    "minutes": 52_560_000,
    "hours": 876_000,
    "days": 36_500,
    "weeks": 5_200,
    "months": 1_200,
    "years": 100,
}
_COUNTED: Final = frozenset({"last", "next", "ago", "ahead"})
THIS: Final = {"day": 36_500, "week": 5_200, "month": 1_200, "quarter": 400, "year": 100}


@dataclass(frozen=True, slots=True)
class Period(Generic[T]):
    """From `start` (included) to `end` (excluded); empty when they are the wrong way round."""

    start: T
    end: T


Resolve = Callable[[datetime], Period[Any]]
"""The period a value stands for at an instant `now` (aware)."""


class NotTemporal(ValueError):
    """The value is no date, instant or relative date."""


def temporal(value: object, *, zone: ZoneInfo, is_date: bool) -> Resolve:
    """Read a temporal value for a date or an instant field. Raises NotTemporal with what was expected."""
    if isinstance(value, str):
        fixed = _fixed(value, zone, is_date)
        return lambda _: fixed
    if isinstance(value, dict):
        return _relative(value, zone, is_date)
    raise NotTemporal("a date, an instant or a relative date is expected")


def _fixed(value: str, zone: ZoneInfo, is_date: bool) -> Period[Any]:
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            _check_year(day.year)
            return _days(day, day + DAY, zone, is_date)
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        known = isinstance(error, NotTemporal)
        raise NotTemporal(str(error) if known else "no such date; expected YYYY-MM-DD or an RFC 3339 instant") from None
    if is_date:
        raise NotTemporal("a date field takes YYYY-MM-DD, not an instant")
    if moment.tzinfo is None:
        raise NotTemporal("an instant needs its offset, such as Z or +08:00")
    _check_year(moment.year)
    moment = moment.astimezone(UTC)
    return Period(moment, moment + TICK)


def _check_year(year: int) -> None:
    if year not in YEARS:
        raise NotTemporal(f"years from {YEARS.start} to {YEARS.stop - 1} are taken")


def _relative(value: dict[str, Any], zone: ZoneInfo, is_date: bool) -> Resolve:
    names = value.keys()
    if len(names) == 2 and "unit" in names and names & _COUNTED:
        return _counted(value, zone, is_date)
    if "this" in names and names <= {"this", "offset"}:
        return _calendar(value["this"], value.get("offset", 0), zone, is_date)
    raise NotTemporal(
        'a relative date is {"last" (or next, ago, ahead): number, "unit": unit} or {"this": unit, "offset": number}'
    )


def _counted(value: dict[str, Any], zone: ZoneInfo, is_date: bool) -> Resolve:
    unit = value["unit"]
    word, amount = next((word, amount) for word, amount in value.items() if word != "unit")
    units = [name for name in AMOUNT_MAX if not (is_date and name in ELAPSED)]
    if not isinstance(unit, str) or unit not in units:
        raise NotTemporal(f"the unit is one of {', '.join(units)}")
    if type(amount) is not int or not 0 <= amount <= AMOUNT_MAX[unit]:
        raise NotTemporal(f"a whole number from 0 to {AMOUNT_MAX[unit]} {unit} is expected")
    sign = -1 if word in {"last", "ago"} else 1

    def resolve(now: datetime) -> Period[Any]:
        there = moved(now, sign * amount, unit, zone)
        first, last = (there, there) if word in {"ago", "ahead"} else (min(there, now), max(there, now))
        if is_date:
            return Period(first.astimezone(zone).date(), last.astimezone(zone).date() + DAY)
        return Period(first.astimezone(UTC), last.astimezone(UTC) + TICK)

    return resolve


def moved(now: datetime, amount: int, unit: str, zone: ZoneInfo) -> datetime:
    """The instant `amount` units from `now`, UTC; civil units keep the time of day in `zone`.

    A time of day that a clock change skipped is the instant after the gap; of a doubled one the first is meant.
    """
    if unit in ELAPSED:
        return now.astimezone(UTC) + amount * ELAPSED[unit]
    if amount == 0:
        return now.astimezone(UTC)
    local = now.astimezone(zone)
    if unit in {"months", "years"}:
        day = _months_on(local.date(), amount * (12 if unit == "years" else 1))
    else:
        day = local.date() + timedelta(days=amount * (7 if unit == "weeks" else 1))
    return datetime.combine(day, local.time(), zone).replace(fold=0).astimezone(UTC)


def _months_on(day: date, months: int) -> date:
    """The same day of another month, or its last when it has no such day."""
    first = _month_start(day, months)
    last = _month_start(first, 1) - DAY
    return first.replace(day=min(day.day, last.day))


def _month_start(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _calendar(unit: object, offset: object, zone: ZoneInfo, is_date: bool) -> Resolve:
    if not isinstance(unit, str) or unit not in THIS:
        raise NotTemporal(f"this is one of {', '.join(THIS)}")
    if type(offset) is not int or abs(offset) > THIS[unit]:
        raise NotTemporal(f"the offset is a whole number from -{THIS[unit]} to {THIS[unit]}")
    return partial(_this, unit=unit, offset=offset, zone=zone, is_date=is_date)


def _this(now: datetime, *, unit: str, offset: int, zone: ZoneInfo, is_date: bool) -> Period[Any]:
    today = now.astimezone(zone).date()
    if unit == "day":
        first = today + offset * DAY
        return _days(first, first + DAY, zone, is_date)
    if unit == "week":
        first = today - timedelta(days=today.weekday()) + timedelta(weeks=offset)
        return _days(first, first + timedelta(weeks=1), zone, is_date)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    begun = (today.month - 1) % months
    first = _month_start(today, offset * months - begun)
    return _days(first, _month_start(first, months), zone, is_date)


def _days(first: date, end: date, zone: ZoneInfo, is_date: bool) -> Period[Any]:
    if is_date:
        return Period(first, end)
    return Period(_midnight(first, zone), _midnight(end, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
