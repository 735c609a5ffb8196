"""The hearts of honours: until when one holds, what a rule asks for, and who deserves what."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.honours.honour import HONOURS, by_rule, deserving, months_after
from loyalty_svc.honours.members import MEMBERS, asked, row_of
from moat.kit.documents.kind import Ref, WrongDocument
from moat.rules import RuleError, parse

from .hall_of_honour import an_honour, where

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def compiled(code: str = "kindred", **document: object):
    return HONOURS.compile(HONOURS.model.model_validate(an_honour(**document)), Ref("honour", code, 1))


@pytest.mark.parametrize(
    ("at", "months", "until"),
    [
        ("2026-01-31T04:00:00+00:00", 1, "2026-02-28T04:00:00+00:00"),
        ("2027-02-28T04:00:00+00:00", 12, "2028-02-28T04:00:00+00:00"),
        ("2028-02-29T04:00:00+00:00", 12, "2029-02-28T04:00:00+00:00"),
        ("2026-12-31T15:59:00+00:00", 2, "2027-02-28T15:59:00+00:00"),
        # It is 1 March in Shanghai already.
        ("2026-02-28T16:30:00+00:00", 1, "2026-03-31T16:30:00+00:00"),
    ],
)
def test_months_are_counted_where_people_live_by_them(at: str, months: int, until: str):
    assert months_after(datetime.fromisoformat(at), months, SHANGHAI) == datetime.fromisoformat(until)


def test_an_honour_without_months_holds_for_good():
    assert compiled().valid_until(NOW, SHANGHAI) is None
    assert compiled(months=12).valid_until(NOW, SHANGHAI) == NOW.replace(year=2027)


def test_a_condition_says_what_has_to_be_looked_up():
    nested = {"combinator": "or", "rules": [where("growth", ">", 1), where("badges", "contains", "regular")]}

    assert asked(parse(nested, MEMBERS)) == {"growth", "badges"}


def test_a_member_without_anything_stands_in_the_lowest_tier_and_has_spent_nothing():
    row = row_of({}, currency="CNY", base_tier="member", now=NOW)

    assert (row["tier"], row["days_a_member"], row["spent_minor"]) == ("member", 0, 0)


def test_what_was_spent_is_counted_in_the_currency_of_the_document():
    li = UUID(int=1)
    rich = where("spent_minor", ">=", 1000)
    facts = {li: {"spent": {"CNY": 900, "USD": 1000}}}
    honours = by_rule([compiled("cny", condition=rich), compiled("usd", condition=rich, currency="USD"), compiled()])

    assert [one.honour.code for one in deserving(honours, facts, base_tier="", now=NOW)] == ["usd"]


def test_an_unknown_field_is_refused_with_the_nearest():
    with pytest.raises(RuleError) as refused:
        compiled(condition=where("orders_cuont", ">", 1))

    (error,) = refused.value.errors
    assert error.pointer == "/condition/rules/0/field"
    assert "orders_count" in error.detail


def test_an_unknown_currency_is_refused():
    with pytest.raises(WrongDocument) as refused:
        compiled(currency="XYZ")

    assert refused.value.errors[0].pointer == "/currency"
