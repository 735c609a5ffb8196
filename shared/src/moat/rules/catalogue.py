"""The fields that a feature's conditions may speak of, by name and kind.

A catalogue is declared once by a feature, in code. `sql` is the SQL expression of a field, trusted text written by us
and never taken from a caller; a catalogue that is only evaluated in memory leaves it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from moat.kit.money import is_currency

NULLS: Final = ("null", "notNull")
EQUALITY: Final = ("=", "!=")
ORDER: Final = ("<", ">", "<=", ">=", "between", "notBetween")
MEMBERSHIP: Final = ("in", "notIn")
SUBSTRING: Final = (
    "contains",
    "beginsWith",
    "endsWith",
    "doesNotContain",
    "doesNotBeginWith",
    "doesNotEndWith",
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text, compared exactly: case and accents matter. In a row a `str`; in SQL of type text."""

    sql: str | None = None
    KIND: ClassVar[str] = "text"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *SUBSTRING, *MEMBERSHIP, *NULLS)


@dataclass(frozen=True, slots=True)
class Number:
    """A number. In a row an int or Decimal (a float counts as its shortest decimal form); in SQL numeric.

    `whole` numbers are bigint in SQL, so that an index on the column serves.
    """

    sql: str | None = None
    whole: bool = False
    KIND: ClassVar[str] = "number"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *ORDER, *MEMBERSHIP, *NULLS)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units; in a row an int, in SQL bigint.

    Bound to `currency`, a value may be written as `{"currency": "CNY", "minor": 100}` and another currency is refused;
    without one the condition has to test the currency itself.
    """

    currency: str | None = None
    sql: str | None = None
    KIND: ClassVar[str] = "money"
    OPERATORS: ClassVar[tuple[str, ...]] = Number.OPERATORS

    def __post_init__(self) -> None:
        if self.currency is not None and not is_currency(self.currency):
            raise ValueError(f"unknown currency {self.currency!r}")


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""

    sql: str | None = None
    KIND: ClassVar[str] = "boolean"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *NULLS)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few codes; in a row a `str`, in SQL text."""

    options: tuple[str, ...]
    sql: str | None = None
    KIND: ClassVar[str] = "choice"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *MEMBERSHIP, *NULLS)

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("a choice needs options")


@dataclass(frozen=True, slots=True)
class Texts:
    """A set of texts (tags, say): `contains` one text, `in` when it shares one with a list, `notIn` when none.

    In a row a collection of `str`, in SQL text[].
    """

    sql: str | None = None
    KIND: ClassVar[str] = "set of texts"
    OPERATORS: ClassVar[tuple[str, ...]] = ("contains", "doesNotContain", *MEMBERSHIP, *NULLS)


@dataclass(frozen=True, slots=True)
class Date:
    """A civil date; in a row a `date`, in SQL date."""

    sql: str | None = None
    KIND: ClassVar[str] = "date"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *ORDER, *NULLS)


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment; in a row an aware `datetime`, in SQL timestamptz."""

    sql: str | None = None
    KIND: ClassVar[str] = "instant"
    OPERATORS: ClassVar[tuple[str, ...]] = (*EQUALITY, *ORDER, *NULLS)


LineField = Text | Number | Money | Boolean | Choice


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of lines (of an order, say), tested by `match` with a group over the line's own fields.

    In a row a sequence of mappings, in SQL a jsonb array of objects; a line's field is the member of its name.
    """

    fields: Mapping[str, LineField]
    sql: str | None = None
    KIND: ClassVar[str] = "list of lines"
    OPERATORS: ClassVar[tuple[str, ...]] = NULLS

    def __post_init__(self) -> None:
        for name, field in self.fields.items():
            if not isinstance(field, LineField):
                raise TypeError(f"a line cannot hold a {field.KIND} ({name})")
            if field.sql is not None:
                raise ValueError(f"the SQL of a line's field is its member of the jsonb object ({name})")


Field = LineField | Texts | Date | Instant | Lines


@dataclass(frozen=True)
class Catalogue:
    """Field name → kind. `zone` is where civil days begin and end for dates on instants and for relative dates."""

    fields: Mapping[str, Field]
    zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)

    def describe(self) -> list[dict[str, object]]:
        """What a query builder needs of each field: name, kind, operators, options or the fields of a line."""
        return _described(self.fields)


def _described(fields: Mapping[str, Field]) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for name, field in fields.items():
        entry: dict[str, object] = {"name": name, "kind": field.KIND, "operators": list(field.OPERATORS)}
        if isinstance(field, Choice):
            entry["options"] = list(field.options)
        if isinstance(field, Money):
            entry["currency"] = field.currency
        if isinstance(field, Lines):
            entry["fields"] = _described(field.fields)
        out.append(entry)
    return out
