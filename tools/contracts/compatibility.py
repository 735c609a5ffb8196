"""What breaks a contract: everything that a reader or writer of the old schema could trip over.

Additive optional fields and wider ranges pass. A field or type that is gone, another type, a new required field, a
field that is no longer promised and a narrower range do not (a v2 beside the v1 is the way then).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_FLOORS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_CEILINGS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def breaks(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """Every break between two sets of schemas by type name, as sentences; empty when compatible."""
    found: list[str] = []
    for name, schema in sorted(old.items()):
        if name not in new:
            found.append(f"{name}: the type is gone")
            continue
        comparison = _Comparison(schema, new[name], is_sent=not name.startswith("moat.intake."))
        found.extend(f"{name}{where}: {what}" for where, what in comparison.compare(schema, new[name], ""))
    return found


class _Comparison:
    """Two whole schemas, whose `$ref`s it follows; none of ours is recursive."""

    def __init__(self, old: Schema, new: Schema, *, is_sent: bool) -> None:
        self.old, self.new, self.is_sent = old, new, is_sent

    def compare(self, old: Schema, new: Schema, at: str) -> Iterator[tuple[str, str]]:
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        if "anyOf" in old or "anyOf" in new:
            yield from self._branches(_branches(old), _branches(new), at)
            return
        if old.get("type") != new.get("type") and "type" in new and not _is_wider(old, new):
            yield at, f"the type was {old.get('type', 'any')} and is {new['type']}"
            return
        yield from self._ranges(old, new, at)
        yield from self._members(old, new, at)
        yield from self._items(old, new, at)

    def _branches(self, old: list[Schema], new: list[Schema], at: str) -> Iterator[tuple[str, str]]:
        for branch in old:
            tries = [list(self.compare(branch, other, at)) for other in new]
            if all(tries):
                yield min(tries, key=len)[0]

    def _ranges(self, old: Schema, new: Schema, at: str) -> Iterator[tuple[str, str]]:
        allowed, was_allowed = _values(new), _values(old)
        if allowed is not None and (was_allowed is None or not was_allowed <= allowed):
            yield at, "fewer values are allowed"
        for name in _FLOORS:
            if name in new and (name not in old or new[name] > old[name]):
                yield at, f"{name} rose to {new[name]}"
        for name in _CEILINGS:
            if name in new and (name not in old or new[name] < old[name]):
                yield at, f"{name} fell to {new[name]}"
        for name in ("pattern", "format", "multipleOf"):
            if name in new and new[name] != old.get(name):
                yield at, f"{name} became {new[name]!r}"
        if self.is_sent and "format" in old and "format" not in new:
            yield at, f"format was {old['format']!r} and is free"

    def _members(self, old: Schema, new: Schema, at: str) -> Iterator[tuple[str, str]]:
        had, has = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(had.keys() - has.keys()):
            yield f"{at}/{name}", "the field is gone"
        for name in sorted(needs - needed):
            yield f"{at}/{name}", "the field became required"
        if self.is_sent:
            for name in sorted((needed - needs) & has.keys()):
                yield f"{at}/{name}", "the field is no longer promised"
        for name in sorted(had.keys() & has.keys()):
            yield from self.compare(had[name], has[name], f"{at}/{name}")
        was_open, is_open = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if was_open is not False and is_open is False:
            yield at, "other fields are refused now"
        if isinstance(was_open, dict) and isinstance(is_open, dict):
            yield from self.compare(was_open, is_open, f"{at}/*")

    def _items(self, old: Schema, new: Schema, at: str) -> Iterator[tuple[str, str]]:
        if "items" in new:
            yield from self.compare(old.get("items", {}), new["items"], f"{at}/-")


def _resolved(root: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).rpartition("/")[2]
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_resolved(root, root["$defs"][name]), **rest}


def _branches(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _is_wider(old: Schema, new: Schema) -> bool:
    return (old.get("type"), new.get("type")) == ("integer", "number")


def _values(schema: Schema) -> frozenset[str] | None:
    """The values an enum or const allows, in a form that can be compared; None for any."""
    if "const" in schema:
        return frozenset((repr(schema["const"]),))
    return frozenset(map(repr, schema["enum"])) if "enum" in schema else None
