"""The heart of risk: when a customer enters each band, and what is to be announced about it.

Bands are of the unrounded score. Since the score only grows while nothing is bought, a band is a range of time: who is
high at `at` is who has `high_at <= at`. That makes "now" a comparison of instants, in SQL as here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal, Self

from scoring_svc.silence.rhythm import Prior, Rhythm, crosses_at, score

Band = Literal["low", "medium", "high"]
MEDIUM: Final = 50.0
HIGH: Final = 80.0
PRIOR: Final = Prior()
"""r = 1 and alpha = 60 days, until they are fitted to the company's own customers."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A customer's risk as a function of time. value_minor: what is at stake, minor units of value_currency."""

    rhythm: Rhythm
    orders_count: int
    value_minor: int
    value_currency: str
    medium_at: datetime
    high_at: datetime

    @classmethod
    def of(cls, rhythm: Rhythm, *, orders_count: int, value_minor: int, value_currency: str) -> Self:
        medium_at, high_at = (crosses_at(rhythm, threshold, PRIOR) for threshold in (MEDIUM, HIGH))
        return cls(rhythm, orders_count, value_minor, value_currency, medium_at, high_at)

    def score(self, at: datetime) -> float:
        """0 to 100, unrounded."""
        return score(self.rhythm, at, PRIOR)

    def band(self, at: datetime) -> Band:
        """The band at an instant in whole milliseconds."""
        if at >= self.high_at:
            return "high"
        return "medium" if at >= self.medium_at else "low"

    def differs(self, other: Self) -> bool:
        """Whether score (now or ever) or value is another."""
        mine = (self.rhythm, self.value_minor, self.value_currency)
        return mine != (other.rhythm, other.value_minor, other.value_currency)


class News(Enum):
    """What is announced of a risk."""

    RAISED = "raised"
    CHANGED = "changed"
    CLEARED = "cleared"


def news(*, was_raised: bool, before: Assessment | None, after: Assessment, at: datetime) -> News | None:
    """What to announce when the facts, or time, have made `after` of `before`; None for nothing.

    Raised <=> the score has reached HIGH at `at` (whole milliseconds). `before` None means that what was announced
    may not be of this customer (a merge), so that a standing risk is announced anew.
    """
    is_raised = at >= after.high_at
    if is_raised != was_raised:
        return News.RAISED if is_raised else News.CLEARED
    if is_raised and (before is None or after.differs(before)):
        return News.CHANGED
    return None
