"""THE HEART of the intake: one event in, what the log is to keep or what is wrong with it out.

The envelope is CloudEvents 1.0 in JSON; the data is checked, strictly, by the very contract that customer-svc reads it
with. What is kept is the data as it was sent, so that an absent field stays absent.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json

from moat.contracts.catalogue import INTAKE
from moat.kit.problems import FieldError

EVENT_BYTES_MAX: Final = 262_144
AHEAD_MAX: Final = timedelta(minutes=5)
ERRORS_MAX: Final = 20
EXTENSIONS_MAX: Final = 20
NAME_CHARACTERS_MAX: Final = 200
"""Of `id` and `source`: together they are the identity of a fact and stand in an index."""
TEXT_CHARACTERS_MAX: Final = 1000

_REQUIRED: Final = ("specversion", "id", "source", "type", "time")
_OPTIONAL: Final = frozenset({"subject", "datacontenttype", "dataschema", "data"})
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,20}\Z")
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event for the log: record key, the attributes by their CloudEvents names, and the data as JSON."""

    key: bytes
    attributes: dict[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was refused; `id` is its own where it has one that can be said."""

    id: str | None
    code: str
    errors: tuple[FieldError, ...]


def check(event: Any, *, now: datetime, traceparent: str) -> Accepted | Rejected:
    """Judge one event. `traceparent` is the request's, for an event that brings none."""
    if not isinstance(event, dict):
        return Rejected(None, "events.invalid", (FieldError("", "is not a JSON object"),))
    errors = _envelope_errors(event)
    at = None
    if not any(error.pointer == "/time" for error in errors):
        at = _instant(event["time"], now, errors)
    cls = INTAKE.get(event["type"]) if isinstance(event.get("type"), str) else None
    fact = None
    if cls is not None:
        try:
            fact = cls.__pydantic_validator__.validate_python(event.get("data"))
        except ValidationError as error:
            errors += _data_errors(error)
    elif not any(error.pointer == "/type" for error in errors):
        errors.append(FieldError("/type", "is not a type that is taken here"))
    if errors or fact is None or at is None:
        return Rejected(_id_of(event), "events.invalid", tuple(errors[:ERRORS_MAX]))
    data = to_json(event["data"])
    attributes = {name: _as_text(value) for name, value in event.items() if name != "data" and value is not None}
    attributes["time"] = at.isoformat().replace("+00:00", "Z")
    attributes["recordedat"] = now.isoformat().replace("+00:00", "Z")
    attributes.setdefault("traceparent", traceparent)
    if len(data) + sum(map(len, attributes.values())) > EVENT_BYTES_MAX:
        return Rejected(_id_of(event), "events.too_large", (FieldError("", f"is over {EVENT_BYTES_MAX} bytes"),))
    first = fact.customer[0]
    return Accepted(f"{first.system}/{first.kind}/{first.value}".encode(), attributes, data)


def _envelope_errors(event: dict[str, Any]) -> list[FieldError]:
    errors = [FieldError(f"/{name}", "is missing") for name in _REQUIRED if event.get(name) is None]
    for name, value in event.items():
        if name == "data":
            continue
        flaw = _attribute_flaw(name, value)
        if flaw is not None:
            errors.append(FieldError(f"/{_shown(name)}", flaw))
    if len(event) > len(_REQUIRED) + len(_OPTIONAL) + EXTENSIONS_MAX:
        errors.append(FieldError("", f"has over {EXTENSIONS_MAX} extensions"))
    return errors


def _attribute_flaw(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in ("data_base64", "recordedat"):
        return "is not taken here"
    if name not in _OPTIONAL and name not in _REQUIRED and not _EXTENSION.match(name):
        return "is not an attribute: lower-case letters and digits, 20 at most"
    if name not in _REQUIRED and isinstance(value, bool | int) and name not in _OPTIONAL:
        return None if abs(value) < 2**31 else "is beyond 32 bits"
    if not isinstance(value, str):
        return "is not a text"
    if name == "specversion":
        return None if value == "1.0" else 'is not "1.0"'
    if name == "datacontenttype":
        return None if value.partition(";")[0].strip().lower() == "application/json" else "is not application/json"
    return _text_flaw(value, NAME_CHARACTERS_MAX if name in ("id", "source", "type") else TEXT_CHARACTERS_MAX)


def _text_flaw(value: str, characters_max: int) -> str | None:
    if not value.strip():
        return "is empty"
    if len(value) > characters_max:
        return f"is over {characters_max} characters"
    return "holds a control character or half of a surrogate pair" if _UNSTORABLE.search(value) else None


def _instant(text: str, now: datetime, errors: list[FieldError]) -> datetime | None:
    """When it happened, UTC; up to five minutes ahead of us is now, more is refused."""
    found = _INSTANT.match(text)
    try:
        if found is None:
            raise ValueError
        date, time, fraction, offset = found.groups()
        at = datetime.fromisoformat(f"{date}T{time}{(fraction or '')[:7]}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        errors.append(FieldError("/time", "is not an RFC 3339 instant with its offset"))
        return None
    if at > now + AHEAD_MAX:
        errors.append(FieldError("/time", "lies more than 5 minutes in the future"))
        return None
    return min(at, now)


def _data_errors(error: ValidationError) -> list[FieldError]:
    details = error.errors(include_url=False, include_context=False, include_input=False)[:ERRORS_MAX]
    return [
        FieldError("/data" + "".join(f"/{_shown(part)}" for part in detail["loc"]), detail["msg"][:200])
        for detail in details
    ]


def pointers(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    """Errors as the answer shows them."""
    return [{"pointer": error.pointer, "detail": error.detail} for error in errors]


def _shown(part: str | int) -> str:
    text = str(part)[:100].encode("utf-8", "replace").decode()
    return text.replace("~", "~0").replace("/", "~1")


def _id_of(event: dict[str, Any]) -> str | None:
    id_ = event.get("id")
    return id_[:NAME_CHARACTERS_MAX].encode("utf-8", "replace").decode() if isinstance(id_, str) else None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
