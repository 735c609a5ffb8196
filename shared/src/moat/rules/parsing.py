"""From react-querybuilder's JSON to a tree whose every field, operator and value is known to fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from moat.rules.catalogue import NULLS, Catalogue, Date, Field, Instant, Lines
from moat.rules.periods import NotTemporal, Resolve, temporal
from moat.rules.problems import Errors, escaped, nearest, shown
from moat.rules.tree import Comparison, Group, LineMatch, Mode, Node, Scalar
from moat.rules.values import WrongValue, scalar

DEPTH_MAX: Final = 8
"""Groups within groups, those over lines included; the root counts."""
RULES_MAX: Final = 200
"""Rules in a whole condition."""
LIST_MAX: Final = 500
"""Values of one `in`."""
THRESHOLD_MAX: Final = 1000

# What the editor writes for itself; it means nothing here.
_EDITOR: Final = frozenset({"id", "path", "disabled", "valueSource"})
_GROUP: Final = frozenset({"combinator", "not", "rules"}) | _EDITOR
_RULE: Final = frozenset({"field", "operator", "value", "match"}) | _EDITOR
_MODES: Final[dict[str, Mode]] = {
    "all": "all",
    "some": "some",
    "any": "some",
    "none": "none",
    "atLeast": "atLeast",
    "atMost": "atMost",
    "exactly": "exactly",
}
_COUNTED: Final = frozenset({"atLeast", "atMost", "exactly"})
_NEEDS_TEXT: Final = frozenset(
    {"beginsWith", "endsWith", "doesNotBeginWith", "doesNotEndWith", "contains", "doesNotContain"}
)


def parse_tree(document: object, catalogue: Catalogue, pointer: str) -> Group:
    """The root group. Raises RuleError naming every wrong place under `pointer`."""
    reader = _Reader(Errors(), ZoneInfo(catalogue.zone))
    try:
        root = reader.group(document, catalogue.fields, pointer, depth=1)
    except _Wrong as wrong:
        reader.errors.add(wrong.pointer, wrong.detail)
        raise reader.errors.refusal() from None
    if reader.errors.found:
        raise reader.errors.refusal()
    return root


class _Wrong(Exception):
    """Something that leaves no node to go on with."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer, self.detail = pointer, detail


@dataclass(slots=True)
class _Reader:
    """One pass over one document; what is wrong is noted and the pass goes on with the next rule."""

    errors: Errors
    zone: ZoneInfo
    rules: int = 0

    def group(self, value: object, fields: Mapping[str, Field], pointer: str, *, depth: int) -> Group:
        if not isinstance(value, dict):
            raise _Wrong(pointer, f"a group of rules is expected, not {shown(value)}")
        if depth > DEPTH_MAX:
            raise _Wrong(pointer, f"groups are nested more than {DEPTH_MAX} deep")
        self._only(value, _GROUP, pointer)
        combinator, negated, rules = value.get("combinator"), value.get("not", False), value.get("rules")
        if combinator not in ("and", "or"):
            self.errors.add(f"{pointer}/combinator", f'"and" or "or" is expected, not {shown(combinator)}')
        if not isinstance(negated, bool):
            self.errors.add(f"{pointer}/not", f"true or false is expected, not {shown(negated)}")
        if not isinstance(rules, list):
            raise _Wrong(f"{pointer}/rules", "a list of rules is expected")
        if not rules and depth > 1:
            raise _Wrong(f"{pointer}/rules", "a group needs at least one rule")
        nodes = self._nodes(rules, fields, f"{pointer}/rules", depth)
        return Group(pointer, "or" if combinator == "or" else "and", bool(negated), nodes)

    def _nodes(self, rules: list[Any], fields: Mapping[str, Field], pointer: str, depth: int) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for index, entry in enumerate(rules):
            self.rules += 1
            if self.rules > RULES_MAX:
                self.errors.add(f"{pointer}/{index}", f"a condition holds at most {RULES_MAX} rules")
                break
            at = f"{pointer}/{index}"
            try:
                if isinstance(entry, dict) and "rules" in entry:
                    nodes.append(self.group(entry, fields, at, depth=depth + 1))
                else:
                    nodes.append(self._rule(entry, fields, at, depth))
            except _Wrong as wrong:
                self.errors.add(wrong.pointer, wrong.detail)
        return tuple(nodes)

    def _rule(self, value: object, fields: Mapping[str, Field], pointer: str, depth: int) -> Node:
        if not isinstance(value, dict):
            raise _Wrong(pointer, f"a rule is expected, not {shown(value)}")
        self._only(value, _RULE, pointer)
        name = value.get("field")
        if not isinstance(name, str) or name not in fields:
            raise _Wrong(f"{pointer}/field", f"unknown field {shown(name)}{nearest(name, fields)}")
        if value.get("valueSource", "value") != "value":
            raise _Wrong(f"{pointer}/valueSource", "a rule compares with a value, not with another field")
        field = fields[name]
        if isinstance(field, Lines) and value.get("match") is not None:
            return self._match(value, name, field, pointer, depth)
        if value.get("match") is not None:
            raise _Wrong(f"{pointer}/match", f"match is for lists of lines; {name} is a {field.KIND}")
        return self._comparison(value, name, field, pointer)

    def _comparison(self, value: dict[str, Any], name: str, field: Field, pointer: str) -> Comparison:
        operator = value.get("operator")
        if operator not in field.OPERATORS:
            hint = "; use match" if isinstance(field, Lines) else ""
            allowed = ", ".join(field.OPERATORS)
            raise _Wrong(f"{pointer}/operator", f"{name} ({field.KIND}) takes {allowed}{hint}; not {shown(operator)}")
        assert isinstance(operator, str)
        values: tuple[Scalar, ...] = ()
        periods: tuple[Resolve, ...] = ()
        raw = value.get("value") if operator not in NULLS else None
        if operator not in NULLS:
            entries = self._entries(raw, operator, f"{pointer}/value")
            if isinstance(field, Date | Instant):
                periods = self._periods(entries, field)
            else:
                values = self._scalars(entries, operator, field, f"{pointer}/value")
        return Comparison(pointer, name, field, operator, values, periods, raw)

    def _entries(self, raw: object, operator: str, pointer: str) -> list[tuple[str, object]]:
        """The values of a rule, each with its pointer; a wrong number of them is noted."""
        if operator not in {"in", "notIn", "between", "notBetween"}:
            return [(pointer, raw)]
        if not isinstance(raw, list):
            self.errors.add(pointer, f"a list is expected, not {shown(raw)}")
            return []
        if operator in {"between", "notBetween"} and len(raw) != 2:
            self.errors.add(pointer, "two values are expected, the lower first")
            return []
        if not 1 <= len(raw) <= LIST_MAX:
            self.errors.add(pointer, f"1 to {LIST_MAX} values are expected")
            return []
        return [(f"{pointer}/{index}", entry) for index, entry in enumerate(raw)]

    def _periods(self, entries: list[tuple[str, object]], field: Date | Instant) -> tuple[Resolve, ...]:
        found = []
        for pointer, entry in entries:
            try:
                found.append(temporal(entry, zone=self.zone, is_date=isinstance(field, Date)))
            except NotTemporal as error:
                self.errors.add(pointer, str(error))
        return tuple(found)

    def _scalars(
        self, entries: list[tuple[str, object]], operator: str, field: Field, pointer: str
    ) -> tuple[Scalar, ...]:
        found: list[Scalar] = []
        for at, entry in entries:
            try:
                found.append(scalar(entry, field))
            except WrongValue as error:
                self.errors.add(at, str(error))
        if operator in _NEEDS_TEXT and found == [""]:
            self.errors.add(pointer, "the text is empty")
        if operator in {"between", "notBetween"} and len(found) == 2:
            low, high = found
            if isinstance(low, int | Decimal) and isinstance(high, int | Decimal) and low > high:
                self.errors.add(pointer, "the lower value comes first")
        return tuple(found)

    def _match(self, value: dict[str, Any], name: str, field: Lines, pointer: str, depth: int) -> LineMatch:
        match = value["match"]
        mode = match.get("mode") if isinstance(match, dict) else None
        if not isinstance(mode, str) or mode not in _MODES:
            raise _Wrong(f"{pointer}/match/mode", f"one of {', '.join(_MODES)} is expected, not {shown(mode)}")
        self._only(match, frozenset({"mode", "threshold"}), f"{pointer}/match")
        threshold = match.get("threshold")
        if mode in _COUNTED and (type(threshold) is not int or not 0 <= threshold <= THRESHOLD_MAX):
            self.errors.add(f"{pointer}/match/threshold", f"a whole number from 0 to {THRESHOLD_MAX} is expected")
        group = self.group(value.get("value"), field.fields, f"{pointer}/value", depth=depth + 1)
        return LineMatch(pointer, name, field, _MODES[mode], threshold if type(threshold) is int else 0, group)

    def _only(self, value: dict[str, Any], allowed: frozenset[str], pointer: str) -> None:
        for key in value:
            if key not in allowed:
                self.errors.add(
                    f"{pointer}/{escaped(str(key)[:100])}", f"unknown member{nearest(key, allowed - _EDITOR)}"
                )
