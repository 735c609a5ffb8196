"""What may be written into a file: values in the form in which they are kept. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customer_svc.identity.normalising import e164
from moat.kit.problems import FieldError, Invalid


class ProfileInvalid(Invalid):
    """A field of a file has a value that cannot be."""

    code, title = "customers.profile_invalid", "This is not a value that a customer's file can have"


def kept(changes: Mapping[str, Any], *, pointer: str) -> dict[str, Any]:
    """The changes as they are kept: e-mails lower-case, phones E.164, each once, blank ones left out.

    `pointer` is the JSON pointer of the object they stand in. Raises ProfileInvalid for a birthday that is no date and
    for a zone that is no IANA name.
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "emails":
            found[name] = _each_once(text.strip().lower() for text in value or ())
        elif name == "phones":
            found[name] = _each_once(e164(text.strip()) for text in value or () if text.strip())
        else:
            found[name] = value
    if found.get("birthday") is not None and not _is_date(found["birthday"]):
        raise ProfileInvalid(errors=[FieldError(f"{pointer}/birthday", "is not a date")])
    if found.get("zone") is not None and not _is_zone(found["zone"]):
        raise ProfileInvalid(errors=[FieldError(f"{pointer}/zone", "is not a zone of the IANA database")])
    return found


def _each_once(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
