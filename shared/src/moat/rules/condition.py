"""A condition that was parsed: asks rows, explains itself, becomes SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moat.rules.catalogue import Catalogue
from moat.rules.explaining import Explanation, explain
from moat.rules.memory import compiled
from moat.rules.parsing import parse_tree
from moat.rules.sql import to_sql
from moat.rules.tree import Group


class Condition:
    """Made by `parse`; holds no state and may be shared.

    `now` is the instant that relative dates count from, aware.
    """

    __slots__ = ("test", "tree")

    def __init__(self, tree: Group) -> None:
        self.tree = tree
        self.test = compiled(tree)
        """`matches` without a name for `now`, for those who ask of every event."""

    def matches(self, row: Mapping[str, Any], *, now: datetime) -> bool:
        """Whether the row fits. A field that is missing in the row is null."""
        return self.test(row, now)

    def explain(self, row: Mapping[str, Any], *, now: datetime) -> Explanation:
        """Whether the row fits and which rules decided it."""
        return explain(self.tree, row, now)

    def to_sql(self, *, now: datetime, prefix: str = "rule_") -> tuple[str, dict[str, Any]]:
        """A SQL expression for a WHERE (null means false there) and the values of its binds (`:rule_0`, …).

        Every value of the condition is bound; only the catalogue's own expressions stand in the text. Raises
        ValueError when a field it uses has no SQL expression.
        """
        return to_sql(self.tree, now, prefix)


def parse(document: object, catalogue: Catalogue, *, pointer: str = "") -> Condition:
    """Read a condition in react-querybuilder's JSON form against a catalogue.

    `pointer` is where the condition stands in the whole document. Raises RuleError naming every wrong place.
    A root group without rules is true for every row.
    """
    return Condition(parse_tree(document, catalogue, pointer))
