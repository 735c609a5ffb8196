"""The heart of returns by line: what is left of an award that some lines of an order earned, once goods came back.

A refund that names lines takes back what those lines earned; any other takes from all that is left, in proportion to
the money. What is left follows from all refunds together, whichever became known first:

    points * what the lines still count for / what they counted for
           * money left / money left had only the refunds without lines not been

rounded down, and nothing once all the money went back. Lines count as their rule counted them: for a rule per currency
unit by their amount, for one per item by their pieces. So what a refund says of a line is the line as the order had it,
whatever of its price a coupon had paid; its own amount says what money went back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import NamedTuple


class OrderLine(NamedTuple):
    """A line of an order, or what came back of one; the amount is the line's, not that of a piece."""

    sku: str | None
    category: str | None
    brand: str | None
    quantity: int
    amount_minor: int

    def is_of(self, line: "OrderLine") -> bool:
        """Whether it came back of that line: by SKU, or, where it names none, by the category and brand it names."""
        if self.sku is not None:
            return self.sku == line.sku
        if self.category is None and self.brand is None:
            return False
        return self.category in {None, line.category} and self.brand in {None, line.brand}

    def counts(self, *, by_item: bool) -> int:
        """What it counts for."""
        return self.quantity if by_item else self.amount_minor


class LineAward(NamedTuple):
    """An award that lines earned: those at `places` of the order. credits: None for those of the programme.

    points: 0 while it is held for a person to decide.
    """

    code: str
    credits: tuple[str, ...] | None
    points: int
    by_item: bool
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back of an order: the lines that its refunds name, their money, and that of all other refunds."""

    lines: Sequence[OrderLine]
    by_line_minor: int
    other_minor: int

    def kept(self, award: LineAward, of: Sequence[OrderLine], total_minor: int) -> int:
        """The points of an award that remain; between 0 and what was given, and never more after another refund."""
        if not self.by_line_minor + self.other_minor:
            return award.points
        left_minor = total_minor - self.by_line_minor - self.other_minor
        if left_minor <= 0:
            return 0
        gone = self._gone(of, by_item=award.by_item)
        whole = sum(of[place].counts(by_item=award.by_item) for place in award.places)
        still = sum(
            (max(of[place].counts(by_item=award.by_item) - gone[place], Fraction()) for place in award.places),
            Fraction(),
        )
        return floor(award.points * still / whole * Fraction(left_minor, total_minor - self.by_line_minor))

    def _gone(self, of: Sequence[OrderLine], *, by_item: bool) -> list[Fraction]:
        """How much of each line came back. What fits several lines is spread over them."""
        named: Counter[OrderLine] = Counter()
        for line in self.lines:
            named[line._replace(quantity=0, amount_minor=0)] += line.counts(by_item=by_item)
        gone = [Fraction()] * len(of)
        for name, counts in named.items():
            own = [place for place, line in enumerate(of) if name.is_of(line)]
            whole = sum(of[place].counts(by_item=by_item) for place in own)
            for place in own if whole else ():
                gone[place] += Fraction(counts * of[place].counts(by_item=by_item), whole)
        return gone


def are_known(lines: Iterable[OrderLine], of: Sequence[OrderLine]) -> bool:
    """Whether each line that a refund names is one of the order's; only then they say what came back."""
    return all(any(line.is_of(other) for other in of) for line in lines)
