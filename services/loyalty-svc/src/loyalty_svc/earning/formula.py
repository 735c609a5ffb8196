"""The heart of formulas: what a rule gives for one event, in whole points, before any limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from moat.rules import Condition

Rounding = Literal["down", "up", "half_up"]
Row = Mapping[str, Any]


class Ratio(NamedTuple):
    """An exact factor; both parts are positive."""

    over: int
    under: int


ONE = Ratio(1, 1)


def rounded(over: int, under: int, rounding: Rounding) -> int:
    """over / under as a whole number; half_up rounds a half away from zero. Both are >= 0 and > 0."""
    if rounding == "down":
        return over // under
    if rounding == "up":
        return -(-over // under)
    return (2 * over + under) // (2 * under)


@dataclass(frozen=True, slots=True)
class PerMoney:
    """`points` for each `each` whole currency units of the total."""

    points: int
    each: int
    rounding: Rounding

    def give(self, row: Row, unit: int, factor: Ratio, at: datetime) -> int:
        """`unit`: minor units in one of the order's currency."""
        over = row["total_minor"] * self.points * factor.over
        return rounded(over, unit * self.each * factor.under, self.rounding)


@dataclass(frozen=True, slots=True)
class ForEvent:
    """`points` for the event; a tier's share of it is rounded down."""

    points: int

    def give(self, row: Row, unit: int, factor: Ratio, at: datetime) -> int:
        """The same for every event."""
        return self.points * factor.over // factor.under


@dataclass(frozen=True, slots=True)
class ForLines:
    """`points` for each `each` units, or pieces, of the lines that fit; rounded once over their sum."""

    points: int
    each: int
    by_item: bool
    fits: Condition
    rounding: Rounding

    def give(self, row: Row, unit: int, factor: Ratio, at: datetime) -> int:
        """`unit`: minor units in one of the order's currency."""
        fitting = [line for line in row["lines"] or () if self.fits.test(line, at)]
        name = "quantity" if self.by_item else "amount_minor"
        over = sum(line[name] for line in fitting) * self.points * factor.over
        return rounded(over, (1 if self.by_item else unit) * self.each * factor.under, self.rounding)


@dataclass(frozen=True, slots=True)
class OnTop:
    """A share of what the rule `of` gave for the same event, as its limits left it."""

    of: str
    share: Ratio
    rounding: Rounding

    def give(self, base: int, factor: Ratio) -> int:
        """`base`: what the other rule gave."""
        return rounded(base * self.share.over * factor.over, self.share.under * factor.under, self.rounding)


Formula = PerMoney | ForEvent | ForLines | OnTop
