"""The heart of doubt: does a rule give more than its event is worth?

Points cost what their account type says (minor units for a thousand points). A rule about orders is in doubt if there
is an order that it fits and whose points cost more than the customer paid; the least such an order can cost is what the
condition demands of `total_minor`. Where points are rounded up, that least order and the next that gets a point more
are looked at: the larger the order, the less rounding matters. An order has any number of cheap pieces, so that only
limits bound what a rule gives for pieces. What is on top of another rule is in doubt from ten times on.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Final

from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.formula import ForEvent, ForLines, OnTop, PerMoney, Ratio, Rounding, rounded
from loyalty_svc.earning.rules import Rule
from moat.kit.documents.kind import Doubt
from moat.rules.tree import Comparison, Group, Node

POINT_COST: Final = Ratio(1, 1)
"""Minor units that a point costs where its account type does not say."""
TIMES_MAX: Final = 9
MORE_THAN_WORTH: Final = Doubt(
    "earning.more-than-worth",
    {
        "zh-CN": "存在这样的订单：此规则发放的积分成本高于顾客实付金额。",
        "en": "There are orders for which this rule gives points that cost more than the customer paid.",
    },
)


def is_more_than_worth(rule: Rule, point_cost: Ratio, units: Mapping[str, int]) -> bool:
    """Whether some order earns points that cost more than it. units: minor units in one, by currency that earns."""
    if rule.on != ORDER_PAID:
        return False
    factor = max([Fraction(1), *(Fraction(*ratio) for ratio in rule.by_tier.values())])
    formula, cost, least = rule.formula, Fraction(*point_cost), least_total(rule.condition.tree)
    match formula:
        case ForLines(by_item=True):
            most = _most_points(rule)
            return most is None or most * cost > least
        case PerMoney() | ForLines():
            return any(_costs_more(formula, factor / (formula.each * unit), cost, least) for unit in units.values())
        case ForEvent():
            return formula.points * factor * cost > least
        case OnTop():
            return Fraction(*formula.share) * factor >= TIMES_MAX


def _costs_more(formula: PerMoney | ForLines, share: Fraction, cost: Fraction, least: int) -> bool:
    """Whether some order of `least` minor units earns more than it pays, or of more. share: of `points`, for one."""
    rate = formula.points * share
    if rate * cost > 1:
        return True
    smallest = max(least, 1)
    points = rounded(smallest * rate.numerator, rate.denominator, formula.rounding)
    return any(
        rounded(total * rate.numerator, rate.denominator, formula.rounding) * cost > total
        for total in (smallest, _first_above(points, rate, formula.rounding))
    )


def _first_above(points: int, rate: Fraction, rounding: Rounding) -> int:
    """The least total, in minor units, that earns more than so many points."""
    if rounding == "up":
        return floor(points / rate) + 1
    return ceil((points + (Fraction(1, 2) if rounding == "half_up" else 1)) / rate)


def _most_points(rule: Rule) -> int | None:
    """The most that one award can come to by its limits; None where none bounds it. What is held may yet be given."""
    return min((one.at_most for one in rule.limits if one.is_points and one.way != "hold"), default=None)


def least_total(node: Node) -> int:
    """The least `total_minor`, in minor units, that fits a condition for sure; 0 where it demands nothing."""
    if isinstance(node, Group):
        if node.negated or not node.rules:
            return 0
        parts = [least_total(part) for part in node.rules]
        return max(parts) if node.combinator == "and" else min(parts)
    if (
        not isinstance(node, Comparison)
        or node.name != "total_minor"
        or node.operator not in (">", ">=", "=", "between")
    ):
        return 0
    least = node.values[0]
    return int(least) + (node.operator == ">") if isinstance(least, int) else 0
