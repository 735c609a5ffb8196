"""Reading JSON that came from outside: strict, bounded, and able to name the place of what is wrong.

Python's reader takes NaN, lets 1e400 become infinity, keeps lone surrogates and NUL in texts and integers of any
size; each of them fails somewhere behind the door (PostgreSQL, the wire), so each is refused here. The common
document is read at the speed of the C reader: only one that holds something suspicious is walked.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moat.kit.problems import BadRequest, FieldError, Invalid

DEPTH_MAX: Final = 64
INTEGER_MAX: Final = 2**63 - 1
ERRORS_MAX: Final = 20
POINTER_CHARACTERS_MAX: Final = 200

_SUSPICIOUS: Final = re.compile(r"\\u0000|\\ud[89a-f]|\d{19}|[eE][+-]?\d{3}|NaN|Infinity", re.IGNORECASE)
_BRACKETS: Final = b"[]{}"
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _NotANumber:
    """Stands where the document had a number that JSON, or a double, does not have."""


def read_json(body: bytes) -> Any:
    """The JSON document in `body`.

    Raises BadRequest (400) if it is not UTF-8, not JSON, or holds a number that is none; Invalid (422) for text that
    cannot be stored, integers beyond 64 bits, and nesting over 64 levels. Both name the place by JSON pointer.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"Not UTF-8 at byte {error.start}", errors=[FieldError("", "is not UTF-8")]) from None
    suspicious = _SUSPICIOUS.search(text) is not None
    try:
        document = json.loads(text, **_CAREFUL) if suspicious else json.loads(text)
    except RecursionError:
        raise Invalid(errors=[FieldError("", f"is nested over {DEPTH_MAX} levels")]) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"Not JSON: {error.msg} at {where}", errors=[FieldError("", error.msg)]) from None
    if suspicious or _may_be_deep(body):
        _refuse_unstorable(document)
    return document


def _integer(digits: str) -> int | _NotANumber:
    # Python refuses to read over 4,300 digits, and takes quadratic time before that.
    return int(digits) if len(digits) <= 20 else INTEGER_MAX + 1


def _float(digits: str) -> float | _NotANumber:
    number = float(digits)
    return number if math.isfinite(number) else _NotANumber()


_CAREFUL: Final[dict[str, Any]] = {
    "parse_int": _integer,
    "parse_float": _float,
    "parse_constant": lambda _: _NotANumber(),
}


def _may_be_deep(body: bytes) -> bool:
    """Whether brackets may be nested over the bound: exact, unless texts hold brackets (then it may say yes)."""
    brackets = body.translate(None, _OTHERS)
    for _ in range(DEPTH_MAX):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _refuse_unstorable(document: Any) -> None:
    errors: list[FieldError] = []
    unreadable = False
    for pointer, detail, is_unreadable in _flaws(document):
        errors.append(FieldError(pointer[:POINTER_CHARACTERS_MAX], detail))
        unreadable |= is_unreadable
        if len(errors) == ERRORS_MAX:
            break
    if unreadable:
        raise BadRequest("A number in it is none", errors=errors)
    if errors:
        raise Invalid(errors=errors)


def _flaws(document: Any) -> Iterator[tuple[str, str, bool]]:
    """(pointer, what is wrong, whether it is not JSON at all) of each flaw, without recursion."""
    pending: list[tuple[str, int, Any]] = [("", 1, document)]
    while pending:
        pointer, depth, value = pending.pop()
        if isinstance(value, (dict, list)):
            if depth > DEPTH_MAX:
                yield pointer, f"is nested over {DEPTH_MAX} levels", False
                return
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                if isinstance(key, str) and (flaw := _text_flaw(key)):
                    yield pointer, f"has a name that {flaw}", False
                pending.append((f"{pointer}/{pointer_part(key)}", depth + 1, item))
        elif isinstance(value, str):
            if flaw := _text_flaw(value):
                yield pointer, flaw, False
        elif isinstance(value, _NotANumber):
            yield pointer, "is not a finite number", True
        elif isinstance(value, int) and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            yield pointer, "is an integer beyond 64 bits", False


def _text_flaw(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    if _SURROGATE.search(text):
        return "holds half of a surrogate pair"
    return None


def pointer_part(key: object) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return str(key).replace("~", "~0").replace("/", "~1")
