"""The heart of spans: over which time a tier plan counts, how long a tier holds, and how it is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""Where calendar periods begin and end at midnight."""
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
Unit = Literal["month", "quarter", "year"]
Way = Literal["keep", "by_one", "to_fit"]
Gains = Sequence[tuple[datetime, int]]
"""What each cause gave and was not taken back, ascending by the instant it was earned, amounts > 0."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """All that was ever earned, less what was taken back."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """What was earned in the last `lasts`. A tier holds for `valid`, or while it is reached."""

    lasts: timedelta
    valid: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """What was earned in a civil period, which begins at 0 anew.

    A tier holds until the end of the `valid_periods`-th period (>= 1) after the last one in which it was reached. With
    `is_at_end` one rises only when a period has ended.
    """

    unit: Unit
    valid_periods: int = 1
    is_at_end: bool = False

    def begins(self, at: datetime, later: int = 0) -> datetime:
        """When the period of an instant begins, or the one so many periods later; aware UTC."""
        months, local = MONTHS[self.unit], at.astimezone(ZONE)
        place = (local.year * 12 + local.month - 1) // months * months + months * later
        return datetime.combine(date(place // 12, place % 12 + 1, 1), time(), ZONE).astimezone(UTC)

    def valid_until(self, at: datetime) -> datetime:
        """Until when a tier holds that is reached at an instant."""
        return self.begins(at, self.valid_periods + 1)


@dataclass(frozen=True, slots=True)
class Fall:
    """What happens to a tier that is not reached any more, `grace` later, and how long before that one is warned."""

    way: Way = "to_fit"
    grace: timedelta = timedelta()
    warn: timedelta | None = None


LIFETIME: Final = Lifetime()
FALLS_AT_ONCE: Final = Fall()
