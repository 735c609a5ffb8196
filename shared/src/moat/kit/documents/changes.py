"""What differs between two versions of a document, as JSON pointers."""

from typing import Any, Final

CHANGES_MAX: Final = 100
"""So many places are named."""


def changed(before: Any, after: Any) -> list[str]:
    """The pointers of what was added, removed or changed; the empty pointer when the whole is another."""
    return _changed(before, after, "")[:CHANGES_MAX]


def _changed(before: Any, after: Any, pointer: str) -> list[str]:
    if before == after and type(before) is type(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*after, *(name for name in before if name not in after)]
        return [
            place
            for name in names
            for place in _member(before, after, name, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [place for index, (old, new) in pairs for place in _changed(old, new, f"{pointer}/{index}")]
    return [pointer]


def _member(before: dict[str, Any], after: dict[str, Any], name: str, pointer: str) -> list[str]:
    if name not in before or name not in after:
        return [pointer]
    return _changed(before[name], after[name], pointer)
