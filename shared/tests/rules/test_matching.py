"""What a condition answers in memory, and why."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from moat.rules import Boolean, Catalogue, Choice, Date, Field, Instant, Lines, Money, Number, Text, Texts, parse
from moat.rules.periods import moved

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FIELDS: dict[str, Field] = {
    "name": Text(),
    "weight": Number(),
    "spent": Money("CNY"),
    "vip": Boolean(),
    "tier": Choice(("member", "gold")),
    "tags": Texts(),
    "birthday": Date(),
    "at": Instant(),
    "lines": Lines({"sku": Text(), "quantity": Number()}),
}
CATALOGUE = Catalogue(FIELDS)


def fits(
    row: dict[str, Any], field: str, operator: str, value: Any = None, *, now: datetime = NOW, **more: Any
) -> bool:
    entry = {"field": field, "operator": operator, "value": value, **more}
    condition = parse({"combinator": "and", "rules": [entry]}, CATALOGUE)
    matched = condition.matches(row, now=now)
    assert condition.explain(row, now=now).matched is matched
    return matched


@pytest.mark.parametrize("operator", ["=", "!=", "in", "notIn", "contains", "doesNotContain", "doesNotBeginWith"])
def test_a_comparison_with_null_is_false_whatever_its_operator(operator: str):
    value = ["a"] if operator in {"in", "notIn"} else "a"

    assert not fits({"name": None}, "name", operator, value)
    assert not fits({}, "name", operator, value)


def test_not_turns_a_comparison_with_null_around():
    condition = parse(
        {"combinator": "and", "not": True, "rules": [{"field": "name", "operator": "=", "value": "a"}]}, CATALOGUE
    )

    assert condition.matches({"name": None}, now=NOW)


def test_null_tests_ask_about_null():
    assert fits({}, "name", "null")
    assert fits({"name": ""}, "name", "notNull")
    assert not fits({"lines": []}, "lines", "null")


def test_a_group_without_rules_is_true():
    assert parse({"combinator": "or", "rules": []}, CATALOGUE).matches({}, now=NOW)


def test_texts_compare_exactly():
    assert fits({"name": "王小明"}, "name", "beginsWith", "王")
    assert fits({"name": "100%_off"}, "name", "contains", "%_")
    assert not fits({"name": "100 off"}, "name", "contains", "%")
    assert not fits({"name": "Ann"}, "name", "=", "ann")


def test_a_float_counts_as_the_decimal_it_is_written_as():
    assert fits({"weight": 0.1}, "weight", "=", 0.1)
    assert fits({"weight": Decimal("0.1")}, "weight", "=", 0.1)
    assert fits({"weight": 3}, "weight", "in", [3.0, 4])


def test_a_set_contains_one_or_shares_some():
    row = {"tags": {"常客", "女装"}}

    assert fits(row, "tags", "contains", "常客")
    assert fits(row, "tags", "in", ["男装", "女装"])
    assert fits(row, "tags", "notIn", ["男装"])
    assert fits({"tags": []}, "tags", "doesNotContain", "常客")


@pytest.mark.parametrize(
    ("match", "quantities", "expected"),
    [
        ({"mode": "all"}, [], True),
        ({"mode": "some"}, [], False),
        ({"mode": "none"}, [], True),
        ({"mode": "all"}, [2, 3], True),
        ({"mode": "all"}, [1, 3], False),
        ({"mode": "any"}, [1, 3], True),
        ({"mode": "none"}, [1, 3], False),
        ({"mode": "atLeast", "threshold": 2}, [2, 1, 3], True),
        ({"mode": "atMost", "threshold": 1}, [2, 1, 3], False),
        ({"mode": "exactly", "threshold": 2}, [2, 1, 3], True),
    ],
)
def test_lists_of_lines_are_matched_by_mode(match: dict[str, Any], quantities: list[int], expected: bool):
    wanted = {"combinator": "and", "rules": [{"field": "quantity", "operator": ">=", "value": 2}]}

    assert fits({"lines": [{"quantity": n} for n in quantities]}, "lines", "=", wanted, match=match) is expected
    assert not fits({"lines": None}, "lines", "=", wanted, match=match)


def test_a_day_on_an_instant_is_the_civil_day_in_the_zone():
    late = datetime(2026, 11, 20, 15, 59, 59, 999999, tzinfo=UTC)

    assert fits({"at": late}, "at", "=", "2026-11-20")
    assert not fits({"at": late + timedelta(microseconds=1)}, "at", "=", "2026-11-20")
    assert fits({"at": late}, "at", "<=", "2026-11-20")
    assert not fits({"at": late}, "at", ">", "2026-11-20")
    assert fits({"at": late}, "at", "between", ["2026-11-19", "2026-11-20"])


def test_the_last_thirty_days_include_both_ends():
    last_30 = {"last": 30, "unit": "days"}

    assert fits({"at": NOW}, "at", "=", last_30)
    assert fits({"at": NOW - timedelta(days=30)}, "at", "=", last_30)
    assert not fits({"at": NOW - timedelta(days=30, microseconds=1)}, "at", "=", last_30)
    assert fits({"at": NOW + timedelta(hours=1)}, "at", "!=", last_30)
    assert fits({"birthday": date(2026, 10, 21)}, "birthday", "=", last_30)
    assert not fits({"birthday": date(2026, 10, 20)}, "birthday", "=", last_30)


def test_more_than_ninety_days_ago():
    assert fits({"at": NOW - timedelta(days=91)}, "at", "<", {"ago": 90, "unit": "days"})
    assert not fits({"at": NOW - timedelta(days=89)}, "at", "<", {"ago": 90, "unit": "days"})


@pytest.mark.parametrize(
    ("value", "first", "after"),
    [
        ({"this": "day"}, date(2026, 11, 20), date(2026, 11, 21)),
        ({"this": "week"}, date(2026, 11, 16), date(2026, 11, 23)),
        ({"this": "month"}, date(2026, 11, 1), date(2026, 12, 1)),
        ({"this": "month", "offset": 2}, date(2027, 1, 1), date(2027, 2, 1)),
        ({"this": "quarter"}, date(2026, 10, 1), date(2027, 1, 1)),
        ({"this": "quarter", "offset": -4}, date(2025, 10, 1), date(2026, 1, 1)),
        ({"this": "year"}, date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_this_is_a_period_of_the_calendar(value: dict[str, Any], first: date, after: date):
    days = [first - timedelta(days=1), first, after - timedelta(days=1), after]

    assert [fits({"birthday": day}, "birthday", "=", value) for day in days] == [False, True, True, False]


def test_months_are_clamped_at_their_end():
    leap_day = datetime(2028, 2, 29, 4, 0, tzinfo=UTC)
    shanghai = ZoneInfo("Asia/Shanghai")

    assert moved(leap_day, -1, "years", shanghai) == datetime(2027, 2, 28, 4, 0, tzinfo=UTC)
    assert moved(leap_day, 12, "months", shanghai) == datetime(2029, 2, 28, 4, 0, tzinfo=UTC)
    assert moved(datetime(2026, 12, 31, tzinfo=UTC), 2, "months", shanghai) == datetime(2027, 2, 28, tzinfo=UTC)


def test_days_keep_the_time_of_day_over_a_clock_change_and_hours_do_not():
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)

    assert moved(before, 1, "days", berlin) == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
    assert moved(before, 24, "hours", berlin) == datetime(2026, 3, 29, 11, 0, tzinfo=UTC)


def test_a_time_that_was_skipped_is_the_one_after_the_gap():
    berlin = ZoneInfo("Europe/Berlin")
    half_past_two = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)

    assert moved(half_past_two, 1, "days", berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_an_explanation_names_only_the_rules_that_decided():
    condition = parse(
        {
            "combinator": "and",
            "rules": [
                {"field": "vip", "operator": "=", "value": True},
                {
                    "combinator": "or",
                    "rules": [
                        {"field": "spent", "operator": ">=", "value": 10_000},
                        {"field": "tier", "operator": "=", "value": "gold"},
                    ],
                },
            ],
        },
        CATALOGUE,
    )

    won = condition.explain({"vip": True, "spent": 5, "tier": "gold"}, now=NOW)
    lost = condition.explain({"vip": False, "spent": 5, "tier": "gold"}, now=NOW)

    assert won.matched
    assert [(reason.pointer, reason.actual) for reason in won.because] == [
        ("/rules/0", True),
        ("/rules/1/rules/1", "gold"),
    ]
    assert not lost.matched
    assert [(reason.field, reason.actual, reason.outcome) for reason in lost.because] == [("vip", False, False)]


def test_an_explanation_of_lines_names_those_that_fit():
    wanted = {"combinator": "and", "rules": [{"field": "sku", "operator": "=", "value": "cd"}]}
    condition = parse(
        {"combinator": "and", "rules": [{"field": "lines", "match": {"mode": "some"}, "value": wanted}]}, CATALOGUE
    )

    [reason] = condition.explain({"lines": [{"sku": "book"}, {"sku": "cd"}]}, now=NOW).because

    assert (reason.operator, reason.actual, reason.outcome) == ("some", [1], True)


def test_no_value_of_a_condition_stands_in_the_text():
    hostile = "'; DROP TABLE r; --"
    condition = parse(
        {"combinator": "and", "rules": [{"field": "name", "operator": "contains", "value": hostile}]},
        Catalogue({"name": Text(sql="r.name")}),
    )

    sql, binds = condition.to_sql(now=NOW)

    assert hostile not in sql
    assert list(binds.values()) == [hostile]


def test_a_field_without_sql_cannot_be_asked_of_the_database():
    condition = parse(
        {"combinator": "and", "rules": [{"field": "name", "operator": "=", "value": "a"}]}, Catalogue({"name": Text()})
    )

    with pytest.raises(ValueError, match="no SQL expression"):
        condition.to_sql(now=NOW)
