"""The heart of silence: how surprising is it that this customer has not bought for so long?

Purchases of one customer are taken as a Poisson process whose rate is his own; rates vary over customers as a Gamma
distribution. Having seen n gaps in T days, his rate is Gamma(r + n, alpha + T), and the time to the next purchase
follows the posterior predictive, a Lomax (Pareto II) distribution with shape r + n and scale alpha + T. The chance
that a gap lasts at least g days is its tail, ((alpha + T) / (alpha + T + g)) ** (r + n).

Source: the Gamma-Poisson (NBD) purchase model of Ehrenberg (1959) as in Fader and Hardie, "A Note on Deriving the
Pareto/NBD Model and Related Expressions" (2005), §2: exponential gaps mixed over a Gamma rate are Pareto II.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import expm1, log1p
from typing import Final

DAY_SECONDS: Final = 86_400
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a customer before he is known: Gamma(shape r, rate alpha in days), both > 0."""

    r: float = 1.0
    alpha_days: float = 60.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One customer's purchases as far as silence is concerned.

    purchase_days: distinct civil days with a paid order, >= 1.  span_days: whole days from the first of them to the
    last, >= purchase_days - 1.  last_paid_at: the last paid instant, aware.
    """

    purchase_days: int
    span_days: int
    last_paid_at: datetime

    def __post_init__(self) -> None:
        if self.purchase_days < 1 or self.span_days < self.purchase_days - 1:
            raise ValueError(f"{self.purchase_days} purchase days do not fit into a span of {self.span_days} days")


def silent_days(rhythm: Rhythm, at: datetime) -> float:
    """Days with fractions since the last paid instant; 0 before it."""
    return max(0.0, (at - rhythm.last_paid_at).total_seconds() / DAY_SECONDS)


def usual_days(rhythm: Rhythm, prior: Prior) -> float:
    """The customer's usual gap in days: the inverse of the posterior mean of his rate, (alpha + T) / (r + n)."""
    return _scale(rhythm, prior) / _shape(rhythm, prior)


def probability(rhythm: Rhythm, at: datetime, prior: Prior) -> float:
    """The probability, in (0, 1], that a gap of this customer lasts at least as long as the present one."""
    return 1.0 - score(rhythm, at, prior) / 100


def score(rhythm: Rhythm, at: datetime, prior: Prior) -> float:
    """How surprising the silence is at `at`: 100 * (1 - probability), in [0, 100), growing with time.

    In log space, so that a score near 0 keeps its digits.
    """
    return -100.0 * expm1(-_shape(rhythm, prior) * log1p(silent_days(rhythm, at) / _scale(rhythm, prior)))


def crosses_at(rhythm: Rhythm, threshold: float, prior: Prior) -> datetime:
    """The first whole millisecond at which `score` is at least `threshold` (0 < threshold < 100).

    The tail solved for g: (alpha + T) * ((1 - threshold / 100) ** (-1 / (r + n)) - 1) days after the last paid instant,
    rounded up; then moved by the milliseconds, if any, that the last bits of the two formulas are apart, so that
    `at >= crosses_at(...)` and `score(at) >= threshold` are the same for every `at` in whole milliseconds.
    """
    gap_days = _scale(rhythm, prior) * expm1(-log1p(-threshold / 100) / _shape(rhythm, prior))
    at = whole_milliseconds(rhythm.last_paid_at + timedelta(days=gap_days)) + _MILLISECOND
    while score(rhythm, at - _MILLISECOND, prior) >= threshold:
        at -= _MILLISECOND
    while score(rhythm, at, prior) < threshold:
        at += _MILLISECOND
    return at


def whole_milliseconds(instant: datetime) -> datetime:
    """The instant without what is beyond its milliseconds: rounded down."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _shape(rhythm: Rhythm, prior: Prior) -> float:
    return prior.r + (rhythm.purchase_days - 1)


def _scale(rhythm: Rhythm, prior: Prior) -> float:
    return prior.alpha_days + rhythm.span_days
