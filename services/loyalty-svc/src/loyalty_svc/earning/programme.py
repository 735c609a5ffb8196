"""The programme: versioned documents of rules in the condition language, and what they award for an order.

A rule gives `points` for each whole unit of the order's currency (10^exponent minor units), rounded down per order.
An order is judged by the version that was valid when it was paid, however late it arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from loyalty_svc.earning.orders import Award
from moat.kit.money import minor_units
from moat.rules import Catalogue, Condition, Instant, Lines, Money, Number, Text, parse
from moat.rules.tree import Comparison, Group, LineMatch, Node

ORDERS: Final = Catalogue(
    {
        "currency": Text(),
        "total_minor": Money(),
        "channel": Text(),
        "order_source": Text(),
        "paid_at": Instant(),
        "lines": Lines(
            {
                "sku": Text(),
                "category": Text(),
                "brand": Text(),
                "quantity": Number(whole=True),
                "amount_minor": Money(),
            }
        ),
    }
)
"""What a rule may ask about a paid order."""


class _Formula(BaseModel):
    kind: Literal["rate"]
    points: Annotated[int, Field(ge=1, le=1_000_000)]
    per: Literal["currency_unit"]
    rounding: Literal["down"]


class _RuleDocument(BaseModel):
    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    names: dict[str, str]
    condition: dict[str, Any]
    award: _Formula


class _ProgrammeDocument(BaseModel):
    currencies: Annotated[list[str], Field(min_length=1)]
    credits: Annotated[list[str], Field(min_length=1)]
    rules: Annotated[list[_RuleDocument], Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a version; `always` names all its conditions when it cannot match without every one of them."""

    code: str
    name: str
    condition: Condition
    points: int
    always: str | None

    def award(self, row: Mapping[str, Any], units: int, at: datetime) -> Award | None:
        """What it gives for an order of so many whole currency units; None when it does not match or gives nothing."""
        points = units * self.points
        if points <= 0 or not self.condition.matches(row, now=at):
            return None
        return Award(self.code, self.name, points, self._matched(row, at) if self.always is None else self.always)

    def _matched(self, row: Mapping[str, Any], at: datetime) -> str:
        return " ".join(decided.pointer for decided in self.condition.explain(row, now=at).because)


@dataclass(frozen=True, slots=True)
class Programme:
    """A version that is or was published, with the instants between which it judges; None is open."""

    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    credits: tuple[str, ...]
    units: Mapping[str, int]
    rules: tuple[Rule, ...]
    reads_lines: bool

    def awards(self, row: Mapping[str, Any], at: datetime) -> tuple[Award, ...]:
        """What an order earns; nothing in a currency that the programme does not list."""
        unit = self.units.get(row["currency"])
        if unit is None:
            return ()
        units = row["total_minor"] // unit
        return tuple(award for rule in self.rules if (award := rule.award(row, units, at)) is not None)


def valid_at(programmes: Sequence[Programme], at: datetime) -> Programme | None:
    """The version that judges what happened at `at`; the latest one, should several be valid."""
    for programme in reversed(programmes):
        begun = programme.valid_from is None or programme.valid_from <= at
        if begun and (programme.valid_to is None or at < programme.valid_to):
            return programme
    return None


@lru_cache(maxsize=64)
def read(version: int, valid_from: datetime | None, valid_to: datetime | None, document: str) -> Programme:
    """A published document, checked and compiled; it never changes, so it is read once in a process.

    Raises pydantic.ValidationError, or RuleError naming what is wrong with a condition.
    """
    parsed = _ProgrammeDocument.model_validate_json(document)
    rules = tuple(_rule(rule, version, place) for place, rule in enumerate(parsed.rules))
    return Programme(
        version=version,
        valid_from=valid_from,
        valid_to=valid_to,
        credits=tuple(parsed.credits),
        units={currency: minor_units(currency) for currency in parsed.currencies},
        rules=rules,
        reads_lines=any(_reads_lines(rule.condition.tree) for rule in rules),
    )


def _rule(rule: _RuleDocument, version: int, place: int) -> Rule:
    condition = parse(rule.condition, ORDERS, pointer=f"/rules/{place}/condition")
    pointers = _pointers_of_all(condition.tree)
    always = None if pointers is None else " ".join(pointers)
    return Rule(rule.code, f"{rule.code}@{version}", condition, rule.award.points, always)


def _pointers_of_all(node: Node) -> list[str] | None:
    """The pointers of a condition that holds only if each part of it does; None for any other."""
    if isinstance(node, Comparison | LineMatch):
        return [node.pointer]
    if node.negated or (node.combinator == "or" and len(node.rules) > 1):
        return None
    parts = [_pointers_of_all(part) for part in node.rules]
    return None if None in parts else [pointer for part in parts for pointer in part or ()]


def _reads_lines(node: Node) -> bool:
    if isinstance(node, Group):
        return any(_reads_lines(part) for part in node.rules)
    return node.name == "lines"
