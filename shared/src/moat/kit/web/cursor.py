"""The opaque cursor of a keyset page: the sort key of the last row, with its types, for one list.

Unsigned: it grants nothing that the list would not show. It carries a checksum with the list's name, so that a broken
cursor, or that of another list, is found at the door and not by the database.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2s
from typing import Any, Final
from uuid import UUID

from moat.kit.web.reading import INTEGER_MAX

CURSOR_CHARACTERS_MAX: Final = 2_000
_CHECKSUM_BYTES: Final = 6

Key = tuple[Any, ...]


class BrokenCursor(ValueError):
    """The text is no cursor of this list."""


def encode_cursor(key: Sequence[Any], place: str) -> str:
    """A cursor after the row with this sort key in the list `place` (its route). Values: None, bool, int, float, str,
    UUID, date and aware datetime; anything else is a TypeError."""
    payload = json.dumps([_tagged(value) for value in key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_checksum(payload, place) + payload).rstrip(b"=").decode()


def decode_cursor(cursor: str, place: str) -> Key:
    """The sort key in a cursor of the list `place`. Raises BrokenCursor for anything else."""
    if not 0 < len(cursor) <= CURSOR_CHARACTERS_MAX or not cursor.isascii():
        raise BrokenCursor
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BrokenCursor from None
    checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    if checksum != _checksum(payload, place):
        raise BrokenCursor
    try:
        return tuple(_value(tag, text) for tag, text in json.loads(payload))
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise BrokenCursor from None


def _checksum(payload: bytes, place: str) -> bytes:
    return blake2s(place.encode() + b"\0" + payload, digest_size=_CHECKSUM_BYTES).digest()


def _tagged(value: Any) -> tuple[str, Any]:
    # bool is an int and datetime is a date: the narrower first.
    if value is None or isinstance(value, (bool, float)):
        return "j", value
    if isinstance(value, int):
        return "i", str(value)
    if isinstance(value, str):
        return "s", value
    if isinstance(value, UUID):
        return "u", value.hex
    if isinstance(value, datetime):
        return "t", value.isoformat()
    if isinstance(value, date):
        return "d", value.isoformat()
    raise TypeError(f"a {type(value).__name__} cannot stand in a cursor")


def _value(tag: str, text: Any) -> Any:
    if tag == "j" and (text is None or isinstance(text, (bool, float, int))):
        return text
    if not isinstance(text, str):
        raise BrokenCursor
    if tag == "i":
        number = int(text)
        if not -INTEGER_MAX - 1 <= number <= INTEGER_MAX:
            raise BrokenCursor
        return number
    if tag == "s" and "\0" not in text:
        text.encode("utf-8")  # Raises UnicodeEncodeError, a ValueError, for half of a surrogate pair.
        return text
    if tag == "u":
        return UUID(text)
    if tag == "t":
        return datetime.fromisoformat(text)
    if tag == "d":
        return date.fromisoformat(text)
    raise BrokenCursor
