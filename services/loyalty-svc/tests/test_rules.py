"""The heart of rules: what each formula gives, who comes first, and which version judges what."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loyalty_svc.earning.documents import RuleDocument
from loyalty_svc.earning.formula import rounded
from loyalty_svc.earning.judging import bound
from loyalty_svc.earning.rules import compile_rule
from moat.kit.documents import Published, Ref
from moat.rules import RuleError

from .builders import at
from .rulebook import Asked, a_rule, an_order, fixed, judge, times, where


@pytest.mark.parametrize(("currency", "points"), [("CNY", 29), ("JPY", 2933), ("KWD", 2), ("EUR", None)])
def test_a_point_for_each_whole_unit_of_a_listed_currency(currency: str, points: int | None):
    given = Asked(judge(r=a_rule())).points(an_order(currency=currency))

    assert given.get("r") == points


@pytest.mark.parametrize(("rounding", "points"), [("down", 8), ("up", 9), ("half_up", 9)])
def test_a_rate_is_computed_exactly_and_rounded_once(rounding: str, points: int):
    # 29.33 yuan at 3 points for each 10 are 8.799 points.
    award = {"kind": "rate", "points": 3, "each": 10, "rounding": rounding}

    assert Asked(judge(r=a_rule(award))).points(an_order()) == {"r": points}


def test_lines_are_filtered_by_category_brand_or_sku_and_added_before_rounding():
    lines = [
        {"sku": "green", "category": "tea", "brand": "Wu", "quantity": 2, "amount_minor": 1_050},
        {"sku": "black", "category": "tea", "brand": "Li", "quantity": 1, "amount_minor": 1_050},
        {"sku": "mug", "category": "cup", "brand": "Li", "quantity": 3, "amount_minor": 9_900},
    ]
    by_money = a_rule({"kind": "per_line", "points": 2, "lines": where("category", "=", "tea")})
    by_piece = a_rule({"kind": "per_line", "points": 5, "per": "item", "lines": where("brand", "=", "Li")})
    asked = Asked(judge(money=by_money, piece=by_piece))

    assert asked.points(an_order(12_000, lines=lines)) == {"money": 42, "piece": 20}
    assert asked.points(an_order(12_000, lines=[])) == {}


def test_each_matching_rule_awards_and_says_what_matched():
    either = {
        "combinator": "or",
        "rules": [
            {"field": "channel", "operator": "=", "value": "app"},
            {"field": "channel", "operator": "=", "value": "web"},
        ],
    }
    asked = Asked(judge(big=a_rule(condition=where("total_minor", ">=", 1000)), web=a_rule(fixed(5), condition=either)))

    awards = asked.about(an_order(channel="web")).awards

    assert [(award.rule, award.points, award.matched) for award in awards] == [
        ("big@1", 29, "/condition/rules/0"),
        ("web@1", 5, "/condition/rules/1"),
    ]


def test_a_tier_multiplies_and_others_get_the_plain_award():
    asked = Asked(judge(r=a_rule(by_tier={"gold": "1.5", "black": "2"})))

    assert [asked.points(an_order(2_100, tier=tier))["r"] for tier in ("member", "gold", "black")] == [21, 31, 42]


def test_a_multiplier_comes_on_top_of_what_the_other_rule_gave():
    capped = a_rule(limits=[{"of": "customer", "per": "ever", "at_most": 20}])
    asked = Asked(judge(base=capped, double=a_rule(times("base", "2"), priority=9)))

    assert asked.points(an_order()) == {"base": 20, "double": 20}
    assert asked.points(an_order()) == {}


def test_of_an_exclusive_group_the_first_that_gives_something_awards():
    app = a_rule(fixed(50), group="welcome", priority=2, condition=where("channel", "=", "app"))
    tiny = a_rule({"kind": "rate", "points": 1, "each": 1_000}, group="welcome", priority=5)
    anyone = a_rule(fixed(10), group="welcome")
    asked = Asked(judge(app=app, tiny=tiny, anyone=anyone, other=a_rule(fixed(1))))

    assert asked.points(an_order(channel="app")) == {"app": 50, "other": 1}
    assert asked.points(an_order(channel="web")) == {"anyone": 10, "other": 1}
    assert asked.points(an_order(200_000, channel="app")) == {"tiny": 2, "other": 1}


def test_a_campaign_judges_what_happens_from_its_begin_to_before_its_end():
    asked = Asked(judge(r=a_rule(fixed(1), begins_at=at(2).isoformat(), ends_at=at(4).isoformat())))

    assert [bool(asked.points(an_order(), day=day)) for day in (1, 2, 3.9, 4)] == [False, True, True, False]


def a_version(number: int, begins: float | None, ends: float | None, points: int) -> Published[Any]:
    ref = Ref("earning_rule", "r", number)
    rule = compile_rule(RuleDocument.model_validate(a_rule(fixed(points))), ref)
    instants = (None if begins is None else at(begins), None if ends is None else at(ends))
    return Published(ref, *instants, ends is None, rule)


def test_what_happened_is_judged_by_the_versions_valid_then():
    shared = judge().programme
    programmes = (Published(Ref("programme", "programme", 1), at(-50), None, True, shared),)
    book = bound(programmes, ((a_version(1, None, 10, 1), a_version(2, 10, 20, 2)),))

    assert book.at(at(-51)) is None
    found = {day: book.at(at(day)).rules.get("order.paid", ()) for day in (-50, 9.99, 10, 19.99, 20, 5_000)}
    assert {day: rules and rules[0].name for day, rules in found.items()} == {
        -50: "r@1",
        9.99: "r@1",
        10: "r@2",
        19.99: "r@2",
        20: (),
        5_000: (),
    }


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (a_rule(fixed(0)), "greater than or equal to 1"),
        (a_rule({"kind": "rate", "points": 1, "rouding": "up"}), "did you mean rounding"),
        (a_rule(on="order.payd"), "did you mean order.paid"),
        (a_rule(on="ticket.closed"), "has no amount"),
        (a_rule(begins_at="2026-02-01T00:00:00Z", ends_at="2026-01-01T00:00:00Z"), "ends before it begins"),
        (a_rule(limits=[{"of": "customer", "per": "day", "what": "awards", "at_most": 1}]), "refuses or holds"),
        (a_rule(limits=[{"of": "customer", "per": "year", "at_most": 1}]), "'ever'"),
        (a_rule(times("base", "1")), "greater than 1"),
        (a_rule() | {"names": {"en": "Only"}}, "missing in zh-CN"),
    ],
)
def test_a_wrong_document_says_what_is_wrong(document: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        RuleDocument.model_validate(document)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (a_rule(condition=where("totl_minor", ">", 1)), "/condition/rules/0/field"),
        (a_rule({"kind": "per_line", "points": 1, "lines": where("brnd", "=", "x")}), "/award/lines/rules/0/field"),
        (a_rule(fixed(1), on="ticket.closed", condition=where("total_minor", ">", 1)), "/condition/rules/0/field"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(document: dict[str, Any], pointer: str):
    with pytest.raises(RuleError) as refused:
        compile_rule(RuleDocument.model_validate(document), Ref("earning_rule", "r", 1))

    assert refused.value.errors[0].pointer == pointer


@given(st.integers(0, 10**24), st.integers(1, 10**12))
def test_rounding_is_exact_however_large(over: int, under: int):
    down, up, half_up = (rounded(over, under, way) for way in ("down", "up", "half_up"))

    assert down * under <= over < (down + 1) * under
    assert (up - 1) * under < over <= up * under
    assert abs(2 * over - 2 * half_up * under) <= under
