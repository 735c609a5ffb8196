"""The heart of terms: civil days and months, counted where the programme lives. Pure."""

from bisect import bisect_right
from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

YEAR_MAX: Final = 9_000
"""Nobody pays further ahead than to its first day: dates end soon after."""


class Term(NamedTuple):
    """How long one membership is."""

    unit: Literal["days", "months"]
    number: int

    @property
    def days_min(self) -> int:
        """How many days it has at least."""
        return self.number if self.unit == "days" else self.number * 28

    def after(self, at: datetime, terms: int, zone: ZoneInfo) -> datetime:
        """The same wall time so many terms later (negative: earlier); a day that its month lacks is its last one."""
        local = at.astimezone(zone)
        total = self.number * terms
        if self.unit == "days":
            return _civil(local, local.date().toordinal() + total, zone)
        months = local.year * 12 + local.month - 1 + total
        year, month = divmod(months, 12)
        day = min(local.day, monthrange(min(year, YEAR_MAX), month + 1)[1])
        return _civil(local, date(min(year, YEAR_MAX), month + 1, day).toordinal(), zone)


class Run(NamedTuple):
    """Terms of one length, one after the other without a gap; all are counted from the day on which the first began.

    So whoever joined on a 31st is a member until a last day of a month, whatever months lie between.
    """

    begins_at: datetime
    term: Term
    terms: int
    zone: ZoneInfo

    @property
    def ends_at(self) -> datetime:
        """When the last one is over."""
        return self.term.after(self.begins_at, self.terms, self.zone)

    def begun_by(self, at: datetime) -> datetime:
        """When the one began that runs at an instant, which is within them."""
        ends = range(1, self.terms + 1)
        over = bisect_right(ends, at, key=lambda terms: self.term.after(self.begins_at, terms, self.zone))
        return self.term.after(self.begins_at, over, self.zone)


def days_after(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same wall time so many civil days later."""
    return Term("days", 1).after(at, days, zone)


def _civil(local: datetime, ordinal: int, zone: ZoneInfo) -> datetime:
    """That day at the same wall time; where a clock was put forward over it, as much later."""
    day = date.fromordinal(min(ordinal, date(YEAR_MAX, 1, 1).toordinal()))
    wall = datetime.combine(day, local.time())
    return wall.replace(tzinfo=zone).astimezone(UTC)
