"""A condition answers the same in memory and in PostgreSQL, whatever it asks and whatever the row holds."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from moat.rules import Boolean, Catalogue, Choice, Date, Field, Instant, Lines, Money, Number, Text, Texts, parse
from moat.rules.catalogue import SUBSTRING
from moat.rules.tree import Comparison, Group, Node

LINE: dict[str, Any] = {
    "sku": Text(),
    "quantity": Number(whole=True),
    "weight": Number(),
    "amount_minor": Money("CNY"),
    "gift": Boolean(),
    "category": Choice(("cd", "书")),
}
FIELDS: dict[str, Field] = {
    "name": Text(sql="r.name"),
    "orders_count": Number(sql="r.orders_count", whole=True),
    "weight": Number(sql="r.weight"),
    "spent": Money("CNY", sql="r.spent"),
    "vip": Boolean(sql="r.vip"),
    "tier": Choice(("member", "银卡", "gold"), sql="r.tier"),
    "tags": Texts(sql="r.tags"),
    "birthday": Date(sql="r.birthday"),
    "at": Instant(sql="r.at"),
    "lines": Lines(LINE, sql="r.lines"),
}
TABLE = """CREATE TEMPORARY TABLE r (n integer, name text, orders_count bigint, weight numeric, spent bigint,
    vip boolean, tier text, tags text[], birthday date, at timestamptz, lines jsonb)"""
# New York and Berlin change their clocks, Santiago at midnight, Lord Howe by half an hour.
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "UTC")

POOL = ("", " ", *r"""a A ab a%b a_b a\b % _ \ ' :x 王 王小明 小 🎁 é é""".split())  # noqa: SIM905
TEXTS = st.sampled_from(POOL) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6
)
NUMBERS = st.integers(-3, 3) | st.sampled_from(
    [Decimal("0.1"), Decimal("-0.5"), Decimal("1.50"), Decimal("2.000000001"), 10**15, -(10**15), 0.1, 1e-9, 2.5]
)
WHOLE = st.integers(-3, 3) | st.sampled_from([10**12, -(10**12)])
DATES = st.sampled_from(
    [date(2024, 2, 29), date(2023, 2, 28), date(2023, 12, 31), date(2024, 1, 1), date(2024, 3, 10), date(2024, 3, 31)]
) | st.dates(date(1900, 1, 1), date(2200, 12, 31))
EDGES = (
    datetime(2024, 3, 10, 7, 0, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 0, tzinfo=UTC),
    datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 16, 0, tzinfo=UTC),
    datetime(2023, 12, 31, 16, 0, tzinfo=UTC),
    datetime(2024, 9, 8, 4, 0, tzinfo=UTC),
)
INSTANTS = (
    st.builds(
        lambda at, by: at + timedelta(microseconds=by),
        st.sampled_from(EDGES),
        st.sampled_from([-1, 0, 1, 3_600_000_000, -86_400_000_000]),
    )
    | DATES.map(lambda day: datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=UTC))
    | st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
)
NOWS = st.sampled_from(EDGES) | st.integers(0, 80 * 366 * 86_400).map(lambda s: EDGES[0] + timedelta(seconds=s))
UNITS = ("days", "weeks", "months", "years")


def relative(units: tuple[str, ...]) -> st.SearchStrategy[Any]:
    counted = st.builds(
        lambda word, amount, unit: {word: amount, "unit": unit},
        st.sampled_from(["last", "next", "ago", "ahead"]),
        st.integers(0, 90),
        st.sampled_from(units),
    )
    this = st.builds(
        lambda unit, offset: {"this": unit, "offset": offset},
        st.sampled_from(["day", "week", "month", "quarter", "year"]),
        st.integers(-50, 50),
    )
    return counted | this


def written(at: datetime) -> str:
    """An instant as an author may write it."""
    return at.astimezone(timezone(timedelta(hours=8))).isoformat()


def values(field: Field) -> st.SearchStrategy[Any]:
    match field:
        case Number(whole=True) | Money():
            return WHOLE
        case Number():
            return NUMBERS
        case Boolean():
            return st.booleans()
        case Choice():
            return st.sampled_from(field.options)
        case Date():
            return DATES.map(date.isoformat) | relative(UNITS)
        case Instant():
            moments = INSTANTS.filter(lambda at: 1900 < at.year < 2200).map(written)
            return moments | DATES.map(date.isoformat) | relative((*UNITS, "minutes", "hours"))
        case _:
            return TEXTS


def rules(fields: dict[str, Field]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(sorted(fields)).flatmap(lambda name: _rule(name, fields[name]))


def _rule(name: str, field: Field) -> st.SearchStrategy[dict[str, Any]]:
    compared = st.sampled_from(field.OPERATORS).flatmap(
        lambda operator: st.fixed_dictionaries(
            {"field": st.just(name), "operator": st.just(operator), "value": _value(operator, field)}
        )
    )
    if not isinstance(field, Lines):
        return compared
    mode = st.sampled_from(["all", "some", "any", "none"]).map(lambda mode: {"mode": mode}) | st.builds(
        lambda mode, threshold: {"mode": mode, "threshold": threshold},
        st.sampled_from(["atLeast", "atMost", "exactly"]),
        st.integers(0, 3),
    )
    matched = st.fixed_dictionaries(
        {"field": st.just(name), "match": mode, "value": groups(dict(field.fields), leaves=3)}
    )
    return matched | compared


def _value(operator: str, field: Field) -> st.SearchStrategy[Any]:
    value = values(field)
    if operator in {"in", "notIn"}:
        return st.lists(value, min_size=1, max_size=4)
    if operator in {"between", "notBetween"}:
        pair = st.lists(value, min_size=2, max_size=2)
        return pair if isinstance(field, Date | Instant) else pair.map(sorted)
    if any(word in operator for word in ("ontain", "egin", "nd")) and not isinstance(field, Number | Money | Boolean):
        return value.filter(bool)
    return value


def groups(fields: dict[str, Field], leaves: int = 6) -> st.SearchStrategy[dict[str, Any]]:
    def group(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "combinator": st.sampled_from(["and", "or"]),
                "not": st.booleans(),
                "rules": st.lists(children, min_size=1, max_size=3),
            }
        )

    return group(st.recursive(rules(fields), group, max_leaves=leaves))


CONDITIONS = groups(FIELDS) | rules(FIELDS).map(lambda rule: {"combinator": "and", "rules": [rule]})


def _or_null(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def rows() -> st.SearchStrategy[dict[str, Any]]:
    line = st.fixed_dictionaries(
        {},
        optional={
            "sku": _or_null(TEXTS),
            "quantity": _or_null(WHOLE),
            "weight": _or_null(st.sampled_from([0.1, 1e-9, 2.5, 1, -0.5])),
            "amount_minor": _or_null(WHOLE),
            "gift": _or_null(st.booleans()),
            "category": _or_null(st.sampled_from(["cd", "书"])),
        },
    )
    return st.fixed_dictionaries(
        {
            "name": _or_null(TEXTS),
            "orders_count": _or_null(WHOLE),
            "weight": _or_null(NUMBERS),
            "spent": _or_null(WHOLE),
            "vip": _or_null(st.booleans()),
            "tier": _or_null(st.sampled_from(["member", "银卡", "gold"])),
            "tags": _or_null(st.lists(TEXTS, max_size=3)),
            "birthday": _or_null(DATES),
            "at": _or_null(INSTANTS),
            "lines": _or_null(st.lists(line, max_size=3)),
        }
    )


COLUMNS = tuple(FIELDS)
INSERT = f"INSERT INTO r (n, {', '.join(COLUMNS)}) VALUES (:n, {', '.join(f':{name}' for name in COLUMNS)})"


def at_the_edges(node: Node, now: datetime) -> Iterator[dict[str, Any]]:
    """Rows that hold just the values at which a rule's answer may turn."""
    if isinstance(node, Group):
        for inner in node.rules:
            yield from at_the_edges(inner, now)
    elif isinstance(node, Comparison):
        tick: Any = timedelta(days=1) if isinstance(node.field, Date) else timedelta(microseconds=1)
        periods = [resolve(now) for resolve in node.periods]
        bounds = [at for period in periods for at in (period.start, period.start - tick, period.end, period.end - tick)]
        for value in [*node.values, *bounds]:
            for near in _near(value) if isinstance(node.field, Text) else [value]:
                held = [near, "other"] if isinstance(node.field, Texts) else near
                yield {name: held if name == node.name else None for name in FIELDS}


def _near(value: Any) -> list[str]:
    """A text, longer ones around it, and what it would match if LIKE read it."""
    return [value, f"x{value}y", f"{value}y", f"x{value}", value.replace("%", "xy").replace("_", "x").replace("\\", "")]


class Database:
    """One connection with the table, driven from tests that are not coroutines."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        self._connection: AsyncConnection = self._runner.run(self._open())

    async def _open(self) -> AsyncConnection:
        connection = await self._engine.connect()
        await connection.execute(text(TABLE))
        return connection

    def fill(self, rows: Sequence[dict[str, Any]]) -> None:
        """Let these be the only rows, numbered."""
        stored = [{"n": n, **{name: _stored(name, row[name]) for name in COLUMNS}} for n, row in enumerate(rows)]
        self._runner.run(self._connection.execute(text("DELETE FROM r")))
        self._runner.run(self._connection.execute(text(INSERT.replace(":lines", "CAST(:lines AS jsonb)")), stored))

    def fitting(self, sql: str, binds: dict[str, Any]) -> set[int]:
        """The numbers of the rows that PostgreSQL finds."""
        found = self._runner.run(self._connection.execute(text(f"SELECT n FROM r WHERE {sql}"), binds))
        return set(found.scalars())

    def close(self) -> None:
        async def close() -> None:
            await self._connection.close()
            await self._engine.dispose()

        self._runner.run(close())
        self._runner.close()


def _stored(name: str, value: Any) -> Any:
    if name == "lines":
        return None if value is None else json.dumps(value)
    return Decimal(repr(value)) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def database(postgres: Any) -> Iterator[Database]:
    opened = Database(postgres.url())
    yield opened
    opened.close()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    document=CONDITIONS,
    rows=st.lists(rows(), min_size=1, max_size=4),
    now=NOWS,
    zone=st.sampled_from(ZONES),
)
def test_memory_and_postgresql_agree(
    database: Database, document: dict[str, Any], rows: list[dict[str, Any]], now: datetime, zone: str
):
    condition = parse(document, Catalogue(FIELDS, zone=zone))
    rows = [*rows, *at_the_edges(condition.tree, now)]

    sql, binds = condition.to_sql(now=now)

    expected = {n for n, row in enumerate(rows) if condition.matches(row, now=now)}
    database.fill(rows)
    assert database.fitting(sql, binds) == expected
    assert {n for n, row in enumerate(rows) if condition.explain(row, now=now).matched} == expected


def test_every_operator_of_texts_agrees_on_metacharacters(database: Database):
    nothing = dict.fromkeys(FIELDS)
    rows = [{**nothing, "name": near} for value in POOL for near in _near(value)]
    database.fill(rows)

    for operator, value in itertools.product(SUBSTRING, filter(None, POOL)):
        rule = {"field": "name", "operator": operator, "value": value}
        condition = parse({"combinator": "and", "rules": [rule]}, Catalogue(FIELDS))
        expected = {n for n, row in enumerate(rows) if condition.matches(row, now=EDGES[0])}
        assert database.fitting(*condition.to_sql(now=EDGES[0])) == expected, rule
