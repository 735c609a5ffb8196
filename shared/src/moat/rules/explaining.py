"""Why a condition came out as it did: the rules that decided, with what they saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from moat.rules.memory import compiled
from moat.rules.tree import Comparison, Group, LineMatch, Node

LINES_MAX: Final = 20
"""So many fitting lines are named."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One rule that decided: where it stands, what it asked, what it saw and its own outcome.

    For a list of lines `actual` holds the indexes of the fitting lines, `LINES_MAX` at most, and `operator` the mode.
    """

    pointer: str
    field: str
    operator: str
    value: Any
    actual: Any
    outcome: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """The outcome and the rules that decided it; changing none of them changes nothing."""

    matched: bool
    because: tuple[Decided, ...]


def explain(tree: Group, row: Mapping[str, Any], now: datetime) -> Explanation:
    """Evaluate slowly and remember.

    An `and` that fails and an `or` that succeeds were decided by the rules that made them so, every other group by all
    of its rules.
    """
    matched, because = _decided(tree, row, now)
    return Explanation(matched, because)


def _decided(node: Node, row: Mapping[str, Any], now: datetime) -> tuple[bool, tuple[Decided, ...]]:
    match node:
        case Group():
            return _group(node, row, now)
        case LineMatch():
            outcome = compiled(node)(row, now)
            fits = compiled(node.group)
            lines = row.get(node.name)
            actual = None if lines is None else [i for i, line in enumerate(lines) if fits(line, now)][:LINES_MAX]
            threshold = node.threshold if node.mode in {"atLeast", "atMost", "exactly"} else None
            return outcome, (Decided(node.pointer, node.name, node.mode, threshold, actual, outcome),)
        case Comparison():
            outcome = compiled(node)(row, now)
            actual = row.get(node.name)
            return outcome, (Decided(node.pointer, node.name, node.operator, node.raw, actual, outcome),)


def _group(group: Group, row: Mapping[str, Any], now: datetime) -> tuple[bool, tuple[Decided, ...]]:
    if not group.rules:
        return not group.negated, ()
    parts = [_decided(node, row, now) for node in group.rules]
    deciding = group.combinator == "or"
    outcome = deciding if any(part is deciding for part, _ in parts) else not deciding
    because = tuple(reason for part, reasons in parts if part is outcome for reason in reasons)
    return outcome != group.negated, because
