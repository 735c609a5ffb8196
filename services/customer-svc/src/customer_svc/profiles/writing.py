"""What may be written into a file: values in the form in which they are kept. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customer_svc.identity.normalising import e164
from customer_svc.occasions.lunar import FIRST_YEAR, LAST_YEAR, is_lunar_date
from moat.kit.problems import FieldError, Invalid


class ProfileInvalid(Invalid):
    """A field of a file has a value that cannot be."""

    code, title = "customers.profile_invalid", "This is not a value that a customer's file can have"


def kept(changes: Mapping[str, Any], *, pointer: str) -> dict[str, Any]:
    """The changes as they are kept: e-mails lower-case, phones E.164, each once, blank ones left out.

    `pointer` is the JSON pointer of the object they stand in. Raises ProfileInvalid for a birthday that is no date
    of the calendar that comes with it, and for a zone that is no IANA name.
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "emails":
            found[name] = _each_once(text.strip().lower() for text in value or ())
        elif name == "phones":
            found[name] = _each_once(e164(text.strip()) for text in value or () if text.strip())
        else:
            found[name] = value
    if found.get("birthday") is not None:
        _must_be_a_day(found["birthday"], found.get("birthday_calendar"), f"{pointer}/birthday")
    if found.get("zone") is not None and not _is_zone(found["zone"]):
        raise ProfileInvalid(errors=[FieldError(f"{pointer}/zone", "is not a zone of the IANA database")])
    return found


def _each_once(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _must_be_a_day(text: str, calendar: str | None, pointer: str) -> None:
    if calendar == "lunar":
        if not is_lunar_date(*map(int, text.split("-"))):
            detail = f"is not a day of the lunar calendar; {FIRST_YEAR} to {LAST_YEAR} are known"
            raise ProfileInvalid(errors=[FieldError(pointer, detail)])
    elif not _is_date(text):
        raise ProfileInvalid(
            errors=[FieldError(pointer, "is not a date; with a lunar one send birthday_calendar, too")]
        )


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
