"""The heart of what a rule may ask about a member: what loyalty knows of him, whatever made it so. Pure.

Surprises ask the same, and which honours he holds. What a rule does not ask for is not looked up.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from loyalty_svc.discounts.share import DISCOUNT_SHARE, FIELD
from moat.rules import Catalogue, Condition, Instant, Money, Number, Text, Texts
from moat.rules.tree import Comparison, Group, LineMatch, Node

MEMBERS: Final = Catalogue(
    {
        "tier": Text(),
        "growth": Number(whole=True),
        "points": Number(whole=True),
        "enrolled_at": Instant(),
        "days_a_member": Number(whole=True),
        "orders_count": Number(whole=True),
        "spent_minor": Money(),
        "referrals_rewarded": Number(whole=True),
        "tasks_completed": Number(whole=True),
        "badges": Texts(),
        FIELD: DISCOUNT_SHARE,
    }
)
"""`points` are those he can spend; days a member are whole ones since anything was first given to him. Orders are those
that were paid, earned something and were not given back in full, ever; `spent_minor` is what was kept of them in the
document's currency. Referrals are those he was rewarded for, tasks those whose completion stands, with their badges.
Of the orders of a year he bought `discount_share` percent with a coupon."""

GUESTS: Final = Catalogue({**MEMBERS.fields, "honours": Texts()})
"""The same, and the codes of the honours that he holds."""

Facts = Mapping[str, Any]
"""What was looked up of one member; `spent` is {currency: minor units}."""


def asked(condition: Condition) -> frozenset[str]:
    """The fields that a condition speaks of."""
    return frozenset(_names(condition.tree))


def _names(node: Node) -> Iterator[str]:
    match node:
        case Group():
            for rule in node.rules:
                yield from _names(rule)
        case Comparison() | LineMatch():
            yield node.name


def row_of(facts: Facts, *, currency: str, base_tier: str, now: datetime) -> dict[str, Any]:
    """What conditions see of a member; what was not looked up is null, and they do not ask for it.

    base_tier: of those to whom nothing was ever given.
    """
    enrolled_at = facts.get("enrolled_at")
    return {
        **facts,
        "tier": facts.get("tier") or base_tier,
        "days_a_member": (now - enrolled_at).days if enrolled_at is not None else 0,
        "spent_minor": (facts.get("spent") or {}).get(currency, 0),
    }
