"""One example for every JSON Schema of a document, the same each time it is made. Pure.

An example that a field or a model names itself comes first (`Field(examples=…)`), then a const, an enum, a default;
what is left is made from the type, its bounds and, so that people can read it, the name it stands under.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Schema = Mapping[str, Any]
_REFERENCE: Final = "#/components/schemas/"


class NoExample(Exception):
    """A schema that refers to itself has no example on this way; whoever wanted it leaves it out if he may."""


_FORMATS: Final[dict[str, str]] = {
    "uuid": "019a9f4e-2b00-7c4a-9d0e-5b1f6a7c8d90",
    "date-time": "2026-11-20T08:30:00Z",
    "date": "2026-11-20",
    "email": "li.na@example.com",
    "uri": "https://shop.example/",
    "password": "a long password of mine",
}
_ENDS: Final = re.compile(r"^(end|until|expire|close|valid_to|due)")
_END: Final[dict[str, str]] = {"date-time": "2026-12-31T15:59:59Z", "date": "2026-12-31"}
"""What ends comes after what begins."""
_TEXTS: Final[dict[str, str]] = {
    "currency": "CNY",
    "locale": "zh-CN",
    "accept-language": "zh-CN",
    "zh-CN": "春茶",
    "zone": "Asia/Shanghai",
    "email": "li.na@example.com",
    "sender": "care@example.com",
    "phone": "+8613800138000",
    "code": "spring-tea",
    "name": "Spring tea",
    "unit": "points",
    "text": "A sentence for people.",
    "detail": "A sentence for people.",
    "subject": "About my order",
    "body": "The parcel has not arrived yet.",
    "reason": "goodwill",
    "note": "Asked for on the phone.",
    "author": "staff-1",
    "idempotency-key": "order-4711-once",
    "if-match": '"3"',
    "cursor": "WyIyMDI2LTExLTIwIl0",
    "next_cursor": "WyIyMDI2LTExLTIwIl0",
    "sku": "TEA-50",
    "token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl",
}
# Tried in turn where a pattern or a length allows nothing of the above.
_ANY_TEXTS: Final = (
    *("text", "spring-tea", "CNY", "zh-CN", "TEA", "2026-11-20", "li.na@example.com", "order.paid"),
    "https://shop.example/join/{code}",
)
_NUMBERS: Final[dict[str, int]] = {
    "minor": 12_800,
    "points": 100,
    "amount": 100,
    "available": 100,
    "count": 3,
    "days": 30,
    "seconds": 900,
    "minutes": 15,
    "version": 3,
    "limit": 50,
    "year": 2026,
    "month": 11,
    "day": 20,
}


@dataclass(slots=True)
class Examples:
    """Makes examples for the schemas of one document; `schemas` are its components by name."""

    schemas: Mapping[str, Schema]
    _made: dict[str, Any] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def of(self, schema: Schema, name: str = "") -> Any:
        """A value that the schema allows; `name` is what it is called where it stands. Raises NoExample."""
        for key in ("examples", "example", "const", "enum", "default"):
            if key in schema and schema[key] not in (None, [], {}, ""):
                return schema[key][0] if key in ("examples", "enum") else schema[key]
        if "$ref" in schema:
            return self._referred(schema["$ref"].removeprefix(_REFERENCE), name)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._first(schema[key], name)
        return self._of_type(schema, name)

    def _of_type(self, schema: Schema, name: str) -> Any:
        type_ = schema.get("type")
        if isinstance(type_, list):
            type_ = next((one for one in type_ if one != "null"), "null")
        match type_:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema, name)
            case "string":
                return _text(schema, name)
            case "integer" | "number":
                return _number(schema, name)
            case "boolean":
                return True
        return None if type_ == "null" else {}

    def _referred(self, reference: str, name: str) -> Any:
        if reference in self._open:
            raise NoExample
        schema = self.schemas[reference]
        if schema.get("type") in ("string", "integer", "number"):
            return self.of(schema, name)  # what it is depends on where it stands
        if reference not in self._made:
            self._open.append(reference)
            try:
                self._made[reference] = self.of(schema, name)
            finally:
                self._open.pop()
        return self._made[reference]

    def _first(self, choices: list[Schema], name: str) -> Any:
        """The first choice that has an example; null is the last resort."""
        for choice in sorted(choices, key=lambda one: one.get("type") == "null"):
            try:
                return self.of(choice, name)
            except NoExample:
                continue
        raise NoExample

    def _object(self, schema: Schema) -> dict[str, Any]:
        made = {}
        for name, inner in schema.get("properties", {}).items():
            try:
                made[name] = self.of(inner, name)
            except NoExample:
                if name in schema.get("required", ()):
                    raise
        rest = schema.get("additionalProperties")
        if isinstance(rest, Mapping) and not made:
            names = schema.get("propertyNames", {})
            for key in names.get("enum") or [self.of({"type": "string", **names}, "code")]:
                made[key] = self.of(rest, key)
        return made

    def _array(self, schema: Schema, name: str) -> list[Any]:
        try:
            one = self.of(schema.get("items", {}), _singular(name))
        except NoExample:
            if schema.get("minItems"):
                raise
            return []
        # Repeated where more are asked for: none of our lists wants them all to differ.
        return [one] * max(1, schema.get("minItems", 0))


def _singular(name: str) -> str:
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


def _text(schema: Schema, name: str) -> str:
    format_ = str(schema.get("format"))
    if format_ in _END and _ENDS.match(name):
        return _END[format_]
    if format_ in _FORMATS:
        return _FORMATS[format_]
    last = name.lower().rpartition("_")[2]
    pattern = re.compile(schema.get("pattern", ""))
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 10_000))
    for text in (_TEXTS.get(name, ""), _TEXTS.get(name.lower(), ""), _TEXTS.get(last, ""), name, *_ANY_TEXTS):
        if text and least <= len(text) <= most and pattern.search(text):
            return text
    return "x" * max(least, 1)


def _number(schema: Schema, name: str) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", 10**12 + 1) - 1)
    known = _NUMBERS.get(name.lower().rpartition("_")[2], 1)
    chosen: int | float = min(max(known, low), high)
    return chosen
