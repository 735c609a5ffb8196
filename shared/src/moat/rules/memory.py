"""A condition as closures over one row: compiled once, evaluated thousands of times a second.

The one rule for nulls, here and in SQL: a comparison with null is false, whatever its operator (`!=` and `notIn` too);
only `null` and `notNull` ask about it. Groups and `not` know true and false alone.
"""

import operator as op
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from moat.rules.catalogue import Date, Instant, Texts
from moat.rules.periods import Resolve
from moat.rules.tree import Comparison, Group, LineMatch, Node

Row = Mapping[str, Any]
Test = Callable[[Row, datetime], bool]
"""Whether a row fits at an instant `now`."""

_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    ">": op.gt,
    "<=": op.le,
    ">=": op.ge,
}
_TEXTUAL: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": op.contains,
    "doesNotContain": lambda text, part: part not in text,
    "beginsWith": str.startswith,
    "doesNotBeginWith": lambda text, part: not text.startswith(part),
    "endsWith": str.endswith,
    "doesNotEndWith": lambda text, part: not text.endswith(part),
}
_SCALAR: Final[dict[str, Callable[[Any, Any], bool]]] = {
    **_ORDERED,
    **_TEXTUAL,
    "in": lambda value, among: value in among,
    "notIn": lambda value, among: value not in among,
    "between": lambda value, ends: ends[0] <= value <= ends[1],
    "notBetween": lambda value, ends: not ends[0] <= value <= ends[1],
}
_WANTED: Final[dict[str, Callable[[Any], Any]]] = {
    "in": frozenset,
    "notIn": frozenset,
    "between": tuple,
    "notBetween": tuple,
}
"""What such an operator compares with; any other with the first value."""
_COUNTS: Final[dict[str, Callable[[int, int, int], bool]]] = {
    "all": lambda fitting, of, _: fitting == of,
    "some": lambda fitting, *_: fitting > 0,
    "none": lambda fitting, *_: fitting == 0,
    "atLeast": lambda fitting, _, threshold: fitting >= threshold,
    "atMost": lambda fitting, _, threshold: fitting <= threshold,
    "exactly": lambda fitting, _, threshold: fitting == threshold,
}


def compiled(node: Node) -> Test:
    """The closure of a node."""
    match node:
        case Group():
            return _group(node)
        case LineMatch():
            return _lines(node)
        case Comparison():
            return _comparison(node)


def _group(group: Group) -> Test:
    tests = tuple(compiled(node) for node in group.rules)
    negated = group.negated
    if not tests:
        return lambda row, now: not negated
    if len(tests) == 1 and not negated:
        return tests[0]
    # The outcome as soon as one test has `deciding`, and otherwise.
    deciding = group.combinator == "or"
    early, late = deciding != negated, deciding == negated

    def decide(row: Row, now: datetime) -> bool:
        for test in tests:
            if test(row, now) is deciding:
                return early
        return late

    return decide


def _lines(match: LineMatch) -> Test:
    name, threshold = match.name, match.threshold
    line_fits, judge = compiled(match.group), _COUNTS[match.mode]

    def decide(row: Row, now: datetime) -> bool:
        lines = row.get(name)
        if lines is None:
            return False
        return judge(sum(line_fits(line, now) for line in lines), len(lines), threshold)

    return decide


def _comparison(rule: Comparison) -> Test:
    name = rule.name
    if rule.operator == "null":
        return lambda row, now: row.get(name) is None
    if rule.operator == "notNull":
        return lambda row, now: row.get(name) is not None
    if isinstance(rule.field, Date | Instant):
        return _temporal(name, rule.operator, rule.periods)
    if isinstance(rule.field, Texts):
        return _texts(rule)
    compare = _SCALAR[rule.operator]
    wanted = _WANTED.get(rule.operator, op.itemgetter(0))(rule.values)

    def decide(row: Row, now: datetime) -> bool:
        value = row.get(name)
        # A float stands for the decimal it is written as, or 0.1 would not be 0.1 in the database.
        return value is not None and compare(Decimal(repr(value)) if type(value) is float else value, wanted)

    return decide


def _texts(rule: Comparison) -> Test:
    name, wanted, shares = rule.name, frozenset(rule.values), rule.operator in {"contains", "in"}

    def decide(row: Row, now: datetime) -> bool:
        texts = row.get(name)
        return texts is not None and wanted.isdisjoint(texts) is not shares

    return decide


def _temporal(name: str, operator: str, periods: tuple[Resolve, ...]) -> Test:
    first, last = periods[0], periods[-1]

    def decide(row: Row, now: datetime) -> bool:
        value = row.get(name)
        if value is None:
            return False
        match operator:
            case "<":
                return bool(value < first(now).start)
            case ">=":
                return bool(value >= first(now).start)
            case "<=":
                return bool(value < first(now).end)
            case ">":
                return bool(value >= first(now).end)
        inside = first(now).start <= value < last(now).end
        return inside is (operator in {"=", "between"})

    return decide
