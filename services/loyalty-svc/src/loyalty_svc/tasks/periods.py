"""The heart of recurrence: the civil period, in the programme's zone, that a day belongs to. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

Every = Literal["ever", "day", "week", "month", "quarter", "year"]
DAYS_MIN: Final[Mapping[Every, int]] = {"ever": 366, "day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}
"""The days that every such period has, so that a streak fits into each."""


def period_of(every: Every, day: date) -> str:
    """`ever`, `2026`, `2026-Q4`, `2026-11`, `2026-W47` (ISO 8601: a week is of the year of its Thursday) or a day."""
    match every:
        case "ever":
            return "ever"
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
        case "quarter":
            return f"{day.year:04}-Q{(day.month + 2) // 3}"
        case "year":
            return f"{day.year:04}"
