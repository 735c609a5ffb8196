"""The programme as documents: which version judges what, and what rules may say."""

import json
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError

from loyalty_svc.earning.programme import read, valid_at
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase
from moat.rules import RuleError

from .builders import at, paid
from .house import House

ANY: dict[str, Any] = {"combinator": "and", "rules": []}


def a_document(*rules: dict[str, Any], currencies: tuple[str, ...] = ("CNY", "JPY", "KWD")) -> str:
    return json.dumps({"currencies": currencies, "credits": ["points", "growth"], "rules": rules})


def a_rule(condition: dict[str, Any] = ANY, *, code: str = "r", points: int = 1) -> dict[str, Any]:
    award = {"kind": "rate", "points": points, "per": "currency_unit", "rounding": "down"}
    return {"code": code, "names": {}, "condition": condition, "award": award}


def a_programme(*rules: dict[str, Any], version: int = 1, begins: datetime | None = None, ends: datetime | None = None):
    return read(version, begins, ends, a_document(*rules))


def an_order(currency: str = "CNY", total_minor: int = 2933, **more: Any) -> dict[str, Any]:
    return {"currency": currency, "total_minor": total_minor, **more}


@pytest.mark.parametrize(("currency", "points"), [("CNY", 29), ("JPY", 2933), ("KWD", 2), ("USD", 0)])
def test_a_point_for_each_whole_unit_of_a_listed_currency(currency: str, points: int):
    awards = a_programme(a_rule()).awards(an_order(currency), at(1))

    assert sum(award.points for award in awards) == points


def test_each_matching_rule_awards_and_says_what_matched():
    big = {"combinator": "and", "rules": [{"field": "total_minor", "operator": ">=", "value": 1000}]}
    either = {
        "combinator": "or",
        "rules": [
            {"field": "channel", "operator": "=", "value": "app"},
            {"field": "channel", "operator": "=", "value": "web"},
        ],
    }
    programme = a_programme(a_rule(big, code="big"), a_rule(either, code="app", points=2))

    awards = programme.awards(an_order(channel="web"), at(1))

    assert [(award.rule, award.points, award.matched) for award in awards] == [
        ("big@1", 29, "/rules/0/condition/rules/0"),
        ("app@1", 58, "/rules/1/condition/rules/1"),
    ]


def test_rules_may_ask_about_lines():
    lines = {
        "field": "lines",
        "match": {"mode": "some"},
        "value": {"combinator": "and", "rules": [{"field": "category", "operator": "=", "value": "tea"}]},
    }
    programme = a_programme(a_rule({"combinator": "and", "rules": [lines]}))

    assert programme.reads_lines
    assert programme.awards(an_order(lines=[{"category": "tea"}]), at(1))
    assert not programme.awards(an_order(lines=[{"category": "cup"}]), at(1))


def test_what_happened_is_judged_by_the_version_valid_then():
    versions = [a_programme(a_rule(), ends=at(10)), a_programme(a_rule(), version=2, begins=at(10))]

    assert [valid_at(versions, at(day)).version for day in (-1000, 9.9, 10, 20)] == [1, 1, 2, 2]
    assert valid_at(versions[1:], at(9)) is None


def test_a_bad_document_is_refused_with_the_place():
    unknown = {"combinator": "and", "rules": [{"field": "totl_minor", "operator": ">", "value": 1}]}

    with pytest.raises(RuleError) as refused:
        a_programme(a_rule(unknown))
    assert refused.value.errors[0].pointer.startswith("/rules/0/condition/rules/0")
    with pytest.raises(ValidationError):
        read(1, None, None, "{}")


async def test_late_orders_are_judged_by_the_version_valid_when_they_were_paid(house: House, database: TestDatabase):
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        """UPDATE earning_programme SET status = 'retired', valid_to = $1, retired_at = $1 WHERE version = 1""", at(10)
    )
    await owner.execute(
        """INSERT INTO earning_programme (version, status, valid_from, document, author, created_at, published_at)
           VALUES (2, 'published', $1, $2, 'test', $1, $1)""",
        at(10),
        a_document(a_rule(points=3, code="triple")),
    )
    await owner.close()
    li = uuid7()

    await house.learn(paid(li, 10_000, day=11), paid(li, 10_000, day=9))

    assert await house.points(li) == (400, 400, 0)
    assert {told["rule"] for _, _, told in await house.said("points.earned")} == {"triple@2", "order-points@1"}
