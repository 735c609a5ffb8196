"""The heart of doubt: rules that give more than their order is worth, against orders tried one after the other."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.earning.documents import RuleDocument
from loyalty_svc.earning.formula import Ratio
from loyalty_svc.earning.rules import Rule, compile_rule
from loyalty_svc.earning.worth import is_more_than_worth
from moat.kit.documents import Ref

from .builders import at
from .rulebook import a_rule, at_most, where

UNITS = {"CNY": 100}
EVERY_LINE: dict[str, Any] = {"combinator": "and", "rules": []}
PER_ITEM = {"kind": "per_line", "points": 5, "per": "item", "lines": EVERY_LINE}
FROM_10_YUAN = where("total_minor", ">=", 1_000)


def a_compiled(document: dict[str, Any]) -> Rule:
    return compile_rule(RuleDocument.model_validate(document), Ref("earning_rule", "r", 1))


@pytest.mark.parametrize(
    ("limits", "is_in_doubt"),
    [
        ([], True),
        ([at_most(1_000)], False),
        ([at_most(1_000, way="refuse", of="everyone")], False),
        ([at_most(1_001)], True),
        ([at_most(1_001), at_most(1_000, per="month")], False),
        ([at_most(10, way="hold")], True),
        ([at_most(10, way="refuse", what="awards")], True),
    ],
)
def test_many_cheap_pieces_are_worth_less_than_their_points_unless_these_are_limited(
    limits: list[dict[str, Any]], is_in_doubt: bool
):
    rule = a_compiled(a_rule(PER_ITEM, condition=FROM_10_YUAN, limits=limits))

    assert is_more_than_worth(rule, Ratio(1, 1), UNITS) == is_in_doubt


@pytest.mark.parametrize(
    ("rounding", "condition", "is_in_doubt"),
    [
        ("down", EVERY_LINE, False),
        ("up", EVERY_LINE, True),
        ("up", where("total_minor", ">=", 50), True),
        # The next that gets a point more pays 100.01 yuan for what costs 1.02.
        ("up", where("total_minor", ">", 50), False),
        ("half_up", EVERY_LINE, False),
    ],
)
def test_a_point_for_the_smallest_order_may_cost_more_than_that_order(
    rounding: str, condition: dict[str, Any], is_in_doubt: bool
):
    rate = {"kind": "rate", "points": 1, "each": 100, "rounding": rounding}

    assert is_more_than_worth(a_compiled(a_rule(rate, condition=condition)), Ratio(51, 1), UNITS) == is_in_doubt


@pytest.mark.parametrize(
    ("rate", "point_cost", "least"),
    [
        # 6.01 yuan get the fifth point.
        ({"points": 2, "each": 3, "rounding": "up"}, 138, 580),
        # 0.82 yuan get the fifth point, 0.81 four.
        ({"points": 11, "each": 2, "rounding": "half_up"}, 18, 80),
    ],
)
def test_the_first_order_that_gets_a_point_more_may_cost_more_than_the_smallest(
    rate: dict[str, Any], point_cost: int, least: int
):
    rule = a_compiled(a_rule({"kind": "rate"} | rate, condition=where("total_minor", ">=", least)))

    assert is_more_than_worth(rule, Ratio(point_cost, 1), UNITS)


@given(
    points=st.integers(1, 8),
    each=st.integers(1, 3),
    rounding=st.sampled_from(["down", "up", "half_up"]),
    factor=st.sampled_from(["1", "1.5", "3"]),
    cost=st.builds(Ratio, st.integers(1, 150), st.integers(1, 3)),
    least=st.integers(0, 700),
    is_by_line=st.booleans(),
)
def test_a_rate_is_in_doubt_if_there_is_such_an_order(
    points: int, each: int, rounding: str, factor: str, cost: Ratio, least: int, is_by_line: bool
):
    award = {"kind": "rate", "points": points, "each": each, "rounding": rounding}
    if is_by_line:
        award |= {"kind": "per_line", "lines": EVERY_LINE}
    rule = a_compiled(a_rule(award, by_tier={"gold": factor}, condition=where("total_minor", ">=", least)))
    share, period = rule.by_tier["gold"], 100 * each

    def costs_more(total: int) -> bool:
        row = {"total_minor": total, "lines": [{"amount_minor": total}]}
        return rule.formula.give(row, 100, share, at(1)) * Fraction(*cost) > total

    found = any(costs_more(total) for total in range(max(least, 1), least + 20 * period))
    grows = Fraction(points * share.over * cost.over, period * share.under * cost.under) > 1

    assert is_more_than_worth(rule, cost, UNITS) == (grows or found)
