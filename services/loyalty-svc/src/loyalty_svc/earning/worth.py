"""The heart of doubt: does a rule give more than its event is worth?

Points cost what their account type says (minor units for a thousand points). A rule about orders is in doubt if there
is an order that it fits and whose points cost more than the customer paid; the least such an order can cost is what the
condition demands of `total_minor`. What is on top of another rule is in doubt from ten times on.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.formula import ForEvent, ForLines, OnTop, PerMoney, Ratio
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
    formula = rule.formula
    cost = Fraction(*point_cost) * factor
    match formula:
        case PerMoney() | ForLines() if not getattr(formula, "by_item", False):
            return any(formula.points * cost > formula.each * unit for unit in units.values())
        case ForEvent() | ForLines():
            return formula.points * cost > least_total(rule.condition.tree)
        case OnTop():
            return Fraction(*formula.share) * factor >= TIMES_MAX
    return False


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
