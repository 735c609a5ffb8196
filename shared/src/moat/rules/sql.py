"""A condition as a PostgreSQL expression: same answers as in memory, every value bound.

The one rule for nulls (see `memory`) holds because null is as good as false in a WHERE, and where a `not` stands above
a rule it is wrapped so that it is never null; elsewhere it stays bare, so that indexes serve. No LIKE is used, so no
value has metacharacters; dates become bounds computed here, so the zone of the session does not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from moat.rules.catalogue import Boolean, Choice, Date, Field, Instant, Lines, Money, Number, Text, Texts
from moat.rules.tree import Comparison, Group, LineMatch, Node

_NEGATIVE: Final = {
    "doesNotContain": "contains",
    "doesNotBeginWith": "beginsWith",
    "doesNotEndWith": "endsWith",
    "notBetween": "between",
}
_PLAIN: Final = {"=": "=", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_COUNTS: Final = {
    "all": "count(*) = count(*) FILTER (WHERE {fits})",
    "some": "count(*) FILTER (WHERE {fits}) > 0",
    "none": "count(*) FILTER (WHERE {fits}) = 0",
    "atLeast": "count(*) FILTER (WHERE {fits}) >= {threshold}",
    "atMost": "count(*) FILTER (WHERE {fits}) <= {threshold}",
    "exactly": "count(*) FILTER (WHERE {fits}) = {threshold}",
}

Locate = Callable[[str, Field], str]
"""The SQL expression of a field."""


def to_sql(tree: Group, now: datetime, prefix: str) -> tuple[str, dict[str, Any]]:
    """The expression and its binds."""
    writer = _Writer(now, prefix)
    return writer.node(tree, _column), writer.binds


def _column(name: str, field: Field) -> str:
    if field.sql is None:
        raise ValueError(f"the field {name} has no SQL expression")
    return f"({field.sql})"


def _type(field: Field, *, in_line: bool) -> str:
    match field:
        case Money() | Number(whole=True) if not in_line:
            return "bigint"
        case Number() | Money():
            return "numeric"
        case Boolean():
            return "boolean"
        case Date():
            return "date"
        case Instant():
            return "timestamptz"
        case _:
            return "text"


@dataclass(slots=True)
class _Writer:
    """Writes one condition; `lines` counts the lists entered, so that each has an alias of its own."""

    now: datetime
    prefix: str
    binds: dict[str, Any] = field(default_factory=dict)
    lines: int = 0
    in_line: bool = False
    negations: int = 0

    def node(self, node: Node, locate: Locate) -> str:
        match node:
            case Group():
                return self._group(node, locate)
            case LineMatch():
                return self._match(node, locate)
            case Comparison():
                if node.operator in {"null", "notNull"}:
                    return self._nullness(node, locate)
                bare = self._comparison(node, locate(node.name, node.field))
                return f"COALESCE({bare}, FALSE)" if self.negations else f"({bare})"

    def _group(self, group: Group, locate: Locate) -> str:
        self.negations += group.negated
        joined = f" {group.combinator.upper()} ".join(self.node(node, locate) for node in group.rules) or "TRUE"
        self.negations -= group.negated
        return f"NOT ({joined})" if group.negated else f"({joined})"

    def _nullness(self, rule: Comparison, locate: Locate) -> str:
        expression = locate(rule.name, rule.field)
        if isinstance(rule.field, Lines):
            # A jsonb null is as null as the absent list.
            is_there = f"COALESCE(jsonb_typeof({expression}) = 'array', FALSE)"
            return is_there if rule.operator == "notNull" else f"NOT {is_there}"
        return f"({expression} IS {'NOT ' if rule.operator == 'notNull' else ''}NULL)"

    def _comparison(self, rule: Comparison, expression: str) -> str:
        if isinstance(rule.field, Date | Instant):
            return self._temporal(rule, expression)
        positive = _NEGATIVE.get(rule.operator, rule.operator)
        text = (
            self._texts(rule, positive, expression)
            if isinstance(rule.field, Texts)
            else self._scalar(rule, positive, expression)
        )
        return text if positive == rule.operator else f"NOT ({text})"

    def _scalar(self, rule: Comparison, operator: str, expression: str) -> str:
        bind = partial(self._bind, type_=_type(rule.field, in_line=self.in_line))
        if operator in _PLAIN:
            return f"{expression} {_PLAIN[operator]} {bind(rule.values[0])}"
        match operator:
            case "in":
                return f"{expression} = ANY({bind(list(rule.values))})"
            case "notIn":
                return f"{expression} <> ALL({bind(list(rule.values))})"
            case "between":
                return f"{expression} BETWEEN {bind(rule.values[0])} AND {bind(rule.values[1])}"
            case "contains":
                return f"position({bind(rule.values[0])} IN {expression}) > 0"
            case "beginsWith":
                return f"starts_with({expression}, {bind(rule.values[0])})"
            case "endsWith":
                part = bind(rule.values[0])
                return f"right({expression}, length({part})) = {part}"
        raise AssertionError(f"no SQL for {operator}")

    def _texts(self, rule: Comparison, operator: str, expression: str) -> str:
        wanted = self._bind(list(rule.values), type_="text")
        shares = f"{expression} && {wanted}"
        return f"NOT ({shares})" if operator == "notIn" else shares

    def _temporal(self, rule: Comparison, expression: str) -> str:
        bind = partial(self._bind, type_=_type(rule.field, in_line=False))
        first, last = rule.periods[0](self.now), rule.periods[-1](self.now)
        match rule.operator:
            case "<" | ">=":
                return f"{expression} {rule.operator} {bind(first.start)}"
            case "<=":
                return f"{expression} < {bind(first.end)}"
            case ">":
                return f"{expression} >= {bind(first.end)}"
        inside = f"{expression} >= {bind(first.start)} AND {expression} < {bind(last.end)}"
        return inside if rule.operator in {"=", "between"} else f"NOT ({inside})"

    def _match(self, match: LineMatch, locate: Locate) -> str:
        expression = locate(match.name, match.field)
        alias = f"{self.prefix}line_{self.lines}"
        self.lines += 1
        self.in_line = True
        fits = self.node(match.group, partial(self._member, alias))
        self.in_line = False
        judged = _COUNTS[match.mode].format(fits=fits, threshold=match.threshold)
        lines = f"(SELECT {judged} FROM jsonb_array_elements({expression}) AS {alias}(line))"  # noqa: S608 - names are ours, values are bound
        return f"(CASE WHEN jsonb_typeof({expression}) = 'array' THEN {lines} ELSE FALSE END)"

    def _member(self, alias: str, name: str, field: Field) -> str:
        member = f"({alias}.line ->> {self._bind(name, type_='text')})"
        return member if isinstance(field, Text | Choice) else f"CAST({member} AS {_type(field, in_line=True)})"

    def _bind(self, value: Any, *, type_: str) -> str:
        name = f"{self.prefix}{len(self.binds)}"
        self.binds[name] = value
        array = "[]" if isinstance(value, list) else ""
        return f"CAST(:{name} AS {type_}{array})"
