"""The heart of dependence on discounts: what share of some orders was bought with a coupon, as rules ask about it.

An order counts that earned something and was not given back in full. It was bought with a
coupon if a use of one that stands as redeemed names it by the order's id.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

from moat.rules import Condition, Number
from moat.rules.tree import Group, Node

FIELD: Final = "discount_share"
DISCOUNT_SHARE: Final = Number(whole=True)
"""In percent, rounded down: of the orders that a customer paid in the year before; null where he paid none."""
LOOKS_BACK: Final = timedelta(days=365)


class Share(NamedTuple):
    """So many orders (> 0), and so many of them with a coupon."""

    orders: int
    with_coupon: int

    @property
    def percent(self) -> int:
        """The share in percent, rounded down."""
        return self.with_coupon * 100 // self.orders


class Cell(NamedTuple):
    """The orders of one month (its first day) by members who are in one tier now."""

    tier: str
    month: date
    share: Share


def asks(condition: Condition) -> bool:
    """Whether a condition asks for the share, so that it has to be looked up."""
    return _asks(condition.tree)


def _asks(node: Node) -> bool:
    if isinstance(node, Group):
        return any(_asks(part) for part in node.rules)
    return node.name == FIELD
