"""A parsed condition: groups of rules whose fields exist and whose values have the right type."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from moat.rules.catalogue import Field, Lines
from moat.rules.periods import Resolve

Scalar = str | int | Decimal | bool
Mode = Literal["all", "some", "none", "atLeast", "atMost", "exactly"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against values: none for null tests, one for most operators, two for between, many for in.

    `values` are resolvers of periods for dates and instants, plain values of the field's type otherwise.
    """

    pointer: str
    name: str
    field: Field
    operator: str
    values: tuple[Scalar, ...]
    periods: tuple[Resolve, ...]
    raw: Any


@dataclass(frozen=True, slots=True)
class LineMatch:
    """How many lines of a list satisfy a group; `threshold` counts for atLeast, atMost and exactly."""

    pointer: str
    name: str
    field: Lines
    mode: Mode
    threshold: int
    group: "Group"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules joined by and/or, turned around by `negated`; an empty one (the root only) is true."""

    pointer: str
    combinator: Literal["and", "or"]
    negated: bool
    rules: tuple["Node", ...]


Node = Comparison | LineMatch | Group
