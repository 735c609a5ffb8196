"""What reaches a plan, how often, and by which version."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.milestones.plans import (
    MILESTONES,
    MilestoneDocument,
    Order,
    asks_for_orders,
    compile_plan,
    reached_by_occasion,
    reached_by_orders,
)
from moat.kit.documents.kind import Published, Ref, WrongDocument
from moat.rules import RuleError

SPRING = datetime(2026, 3, 5, 16, 0, tzinfo=UTC)


def a_plan(trigger: dict[str, Any], *, code: str = "gift", version: int = 1, **more: Any):
    validity = {name: more.pop(name, None) for name in ("valid_from", "valid_to")}
    document = {
        "names": {"zh-CN": "礼", "en": "Gift"},
        "trigger": trigger,
        "gift": {"kind": "points", "points": 10},
        **more,
    }
    ref = Ref("milestone", code, version)
    value = compile_plan(MilestoneDocument.model_validate(document), ref)
    return Published(ref, validity["valid_from"], validity["valid_to"], True, value)


BIRTHDAY = {"kind": "occasion", "occasion": "birthday"}
THIRD = {"kind": "nth_order", "n": 3}
HUNDRED = {"kind": "amount_reached", "amount_minor": 10_000, "currency": "CNY"}


def an_order(day: int, total_minor: int = 1_000, *, kept: int | None = None, currency: str = "CNY") -> Order:
    return Order(SPRING + timedelta(days=day), currency, total_minor, total_minor if kept is None else kept)


def by_occasion(*versions, occasion="birthday", days_ahead=0, late=timedelta(0), year=2026):
    found = reached_by_occasion(
        {"gift": versions}, occasion, days_ahead, year=year, at=SPRING, noticed_at=SPRING + late
    )
    return [(one.plan.rule, one.period) for one in found]


def by_orders(*versions, orders, zone="Asia/Shanghai"):
    found = reached_by_orders({"gift": versions}, orders, lambda at: ZoneInfo(zone))
    return {key: (one.plan.rule, one.at) for key, one in found.items()}


def test_an_announced_day_reaches_the_plan_that_asks_for_it():
    assert by_occasion(a_plan(BIRTHDAY)) == [("gift@1", "2026")]
    assert by_occasion(a_plan(BIRTHDAY), occasion="anniversary") == []
    assert by_occasion(a_plan(BIRTHDAY), days_ahead=7) == []
    assert by_occasion(a_plan({**BIRTHDAY, "days_ahead": 7}), days_ahead=7) == [("gift@1", "2026")]


def test_once_for_ever_is_one_period():
    assert by_occasion(a_plan(BIRTHDAY, once="ever"), year=2031) == [("gift@1", "ever")]


def test_a_day_that_was_announced_too_late_gives_nothing():
    assert by_occasion(a_plan(BIRTHDAY), late=timedelta(days=31)) == [("gift@1", "2026")]
    assert by_occasion(a_plan(BIRTHDAY), late=timedelta(days=32)) == []
    assert by_occasion(a_plan({**BIRTHDAY, "catch_up_days": 0}), late=timedelta(seconds=1)) == []


def test_the_version_that_was_valid_on_the_day_decides():
    first = a_plan(BIRTHDAY, valid_to=SPRING + timedelta(days=1))
    second = a_plan(BIRTHDAY, version=2, valid_from=SPRING + timedelta(days=1))

    assert by_occasion(first, second) == [("gift@1", "2026")]
    assert by_occasion(second) == []


def test_the_nth_order_by_when_it_was_paid_whatever_becomes_known_first():
    orders = [an_order(day) for day in (1, 5, 9, 12)]

    for arrival in permutations(orders):
        assert by_orders(a_plan(THIRD, once="ever"), orders=arrival) == {
            ("gift", "ever"): ("gift@1", SPRING + timedelta(days=9))
        }


def test_an_order_that_was_given_back_in_full_does_not_count():
    assert by_orders(a_plan(THIRD), orders=[an_order(1), an_order(2, kept=0), an_order(3)]) == {}
    assert by_orders(a_plan(THIRD), orders=[an_order(1), an_order(2, kept=1), an_order(3)]) != {}


def test_an_amount_is_reached_by_what_was_kept_in_its_currency():
    plan = a_plan(HUNDRED, once="ever")

    assert by_orders(plan, orders=[an_order(1, 6_000), an_order(2, 6_000, kept=3_000)]) == {}
    assert by_orders(plan, orders=[an_order(1, 6_000), an_order(2, 6_000, currency="USD")]) == {}
    assert by_orders(plan, orders=[an_order(1, 6_000), an_order(2, 4_000)]) == {
        ("gift", "ever"): ("gift@1", SPRING + timedelta(days=2))
    }


def test_once_a_year_counts_the_orders_of_each_year_of_the_programmes_zone():
    last_evening_of_2026 = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    a_minute_later = last_evening_of_2026 + timedelta(minutes=1)
    orders = [Order(at, "CNY", 100, 100) for at in (SPRING, last_evening_of_2026, a_minute_later, a_minute_later)]

    found = by_orders(a_plan({"kind": "nth_order", "n": 2}), orders=orders)

    assert {key[1]: at for key, (_, at) in found.items()} == {"2026": last_evening_of_2026, "2027": a_minute_later}


def test_orders_from_before_a_plan_give_nothing_but_are_counted():
    plan = a_plan(THIRD, once="ever", valid_from=SPRING + timedelta(days=10))

    assert by_orders(plan, orders=[an_order(day) for day in (1, 2, 3, 11)]) == {}
    assert by_orders(plan, orders=[an_order(day) for day in (1, 2, 11)]) != {}


def test_only_plans_that_count_orders_ask_for_them():
    assert not asks_for_orders({"gift": [a_plan(BIRTHDAY)]})
    assert asks_for_orders({"gift": [a_plan(BIRTHDAY)], "third": [a_plan(THIRD, code="third")]})


def test_a_wrong_currency_and_an_unknown_field_are_named():
    with pytest.raises(WrongDocument) as currency:
        a_plan({**HUNDRED, "currency": "XXY"})
    condition = {"combinator": "and", "rules": [{"field": "teir", "operator": "=", "value": "gold"}]}
    with pytest.raises(RuleError) as field:
        a_plan(BIRTHDAY, condition=condition)

    assert currency.value.errors[0].pointer == "/trigger/currency"
    assert field.value.errors[0].pointer.startswith("/condition/rules/0")
    assert MILESTONES.name == "milestone"


def test_a_year_is_one_of_the_programmes_zone():
    plan = a_plan({"kind": "nth_order", "n": 2}, once="year")
    orders = [Order(datetime(2026, 12, day, 20, 0, tzinfo=UTC), "CNY", 1_000, 1_000) for day in (30, 31)]

    assert list(by_orders(plan, orders=orders)) == []
    assert list(by_orders(plan, orders=orders, zone="America/New_York")) == [("gift", "2026")]
