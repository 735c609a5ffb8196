"""What authors of conditions are told when something does not fit."""

from typing import Any

import pytest

from moat.rules import Boolean, Catalogue, Choice, Date, Instant, Lines, Money, Number, RuleError, Text, Texts, parse

CATALOGUE = Catalogue(
    {
        "name": Text(),
        "orders_count": Number(whole=True),
        "weight": Number(),
        "spent": Money("CNY"),
        "vip": Boolean(),
        "tier": Choice(("member", "silver", "gold")),
        "tags": Texts(),
        "birthday": Date(),
        "last_order_at": Instant(),
        "lines": Lines({"sku": Text(), "quantity": Number()}),
    }
)


def rule(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, **more}


def group(*rules: Any, combinator: str = "and", **more: Any) -> dict[str, Any]:
    return {"combinator": combinator, "rules": list(rules), **more}


def refused(document: object) -> list[tuple[str, str]]:
    with pytest.raises(RuleError) as caught:
        parse(document, CATALOGUE, pointer="/condition")
    return [(error.pointer, error.detail) for error in caught.value.errors]


def test_an_unknown_field_is_named_with_the_nearest_ones():
    [(pointer, detail)] = refused(group(rule("spend", "=", 1)))

    assert pointer == "/condition/rules/0/field"
    assert "did you mean spent?" in detail


def test_all_wrong_places_are_told_at_once():
    errors = refused(group(rule("name", "=", 5), group(rule("vip", "=", "yes"), rule("tier", "=", "golden"))))

    assert [pointer for pointer, _ in errors] == [
        "/condition/rules/0/value",
        "/condition/rules/1/rules/0/value",
        "/condition/rules/1/rules/1/value",
    ]
    assert "did you mean gold?" in errors[2][1]


@pytest.mark.parametrize(
    ("entry", "pointer", "part"),
    [
        (rule("name", "<", "a"), "operator", "takes ="),
        (rule("name", "contains", ""), "value", "empty"),
        (rule("name", "=", "a\x00b"), "value", "NUL"),
        (rule("name", "=", "\ud800"), "value", "surrogates"),
        (rule("name", "=", "x" * 1001), "value", "1000"),
        (rule("name", "in", "a,b"), "value", "a list is expected"),
        (rule("name", "in", []), "value", "1 to 500"),
        (rule("name", "in", ["a"] * 501), "value", "1 to 500"),
        (rule("orders_count", "=", 1.5), "value", "whole number"),
        (rule("orders_count", "=", "5"), "value", "a number is expected"),
        (rule("orders_count", "=", True), "value", "a number is expected"),
        (rule("weight", "=", float("nan")), "value", "number between"),
        (rule("weight", "=", float("inf")), "value", "number between"),
        (rule("weight", "=", 10**400), "value", "number between"),
        (rule("weight", "=", 1e-12), "value", "decimals"),
        (rule("weight", "between", [2, 1]), "value", "lower value comes first"),
        (rule("weight", "between", [1.5, 1.25]), "value", "lower value comes first"),
        (rule("weight", "between", [1]), "value", "two values"),
        (rule("spent", "=", {"currency": "USD", "minor": 5}), "value", "in CNY"),
        (rule("spent", "=", 10**12 + 1), "value", "minor units"),
        (rule("spent", ">", 1.5), "value", "minor units"),
        (rule("tags", "=", "a"), "operator", "contains"),
        (rule("tags", "in", ["a", 5]), "value/1", "a text is expected"),
        (rule("birthday", "=", "2026-02-29"), "value", "no such date"),
        (rule("birthday", "=", "2026-02-28T00:00:00Z"), "value", "not an instant"),
        (rule("birthday", "=", "1899-12-31"), "value", "years"),
        (rule("birthday", "=", {"last": 5, "unit": "hours"}), "value", "unit is one of"),
        (rule("last_order_at", "=", "2026-02-28T00:00:00"), "value", "offset"),
        (rule("last_order_at", "=", {"last": -5, "unit": "days"}), "value", "whole number"),
        (rule("last_order_at", "=", {"last": 5}), "value", "relative date"),
        (rule("last_order_at", "=", {"last": 5, "unit": []}), "value", "unit is one of"),
        (rule("last_order_at", "=", {"this": "decade"}), "value", "this is one of"),
        (rule("last_order_at", "=", {"this": "month", "offset": 5000}), "value", "offset"),
        (rule("last_order_at", "=", None), "value", "expected"),
        (rule("lines", "=", "a"), "operator", "use match"),
        (rule("name", "=", group(), match={"mode": "all"}), "match", "lists of lines"),
        (rule("lines", "=", group(rule("sku", "=", "a")), match={"mode": "most"}), "match/mode", "one of"),
        (rule("lines", "=", group(rule("sku", "=", "a")), match={"mode": "atLeast"}), "match/threshold", "whole"),
        (rule("lines", "=", group(rule("name", "=", "a")), match={"mode": "all"}), "value/rules/0/field", "unknown"),
        (rule("name", "=", "tier", valueSource="field"), "valueSource", "not with another field"),
        (rule("name", "=", "a", muted=True), "muted", "unknown member"),
        (group(), "rules", "at least one rule"),
        (group(rule("name", "=", "a"), combinator="xor"), "combinator", "and"),
        ("and", "", "a rule is expected"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_place(entry: Any, pointer: str, part: str):
    errors = refused(group(entry))

    assert errors[0][0] == f"/condition/rules/0/{pointer}".rstrip("/")
    assert part in errors[0][1]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"combinator": "and"}, {"combinator": "and", "rules": {}}])
def test_what_is_no_group_is_refused(document: object):
    assert refused(document)


def test_depth_and_number_of_rules_are_bounded():
    deep: dict[str, Any] = group(rule("vip", "=", True))
    for _ in range(7):
        deep = group(deep)
    parse(deep, CATALOGUE)

    assert "nested more than 8 deep" in refused(group(deep))[0][1]
    parse(group(*[rule("vip", "=", True)] * 200), CATALOGUE)
    assert "at most 200 rules" in refused(group(*[rule("vip", "=", True)] * 201))[0][1]


def test_errors_are_bounded_too():
    assert len(refused(group(*[rule("nothing", "=", 1)] * 150))) == 50


def test_what_the_editor_writes_for_itself_is_accepted():
    entry = rule("name", "=", "a", id="r1", path=[0], disabled=False, valueSource="value")

    parse(group(entry, id="g1", path=[]), CATALOGUE)


def test_the_catalogue_describes_itself_for_a_query_builder():
    described = {str(entry["name"]): entry for entry in CATALOGUE.describe()}

    assert described["tier"]["options"] == ["member", "silver", "gold"]
    assert described["spent"]["currency"] == "CNY"
    assert [entry["name"] for entry in described["lines"]["fields"]] == ["sku", "quantity"]  # type: ignore[attr-defined]
