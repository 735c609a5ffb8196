"""Event ⇄ record: CloudEvents 1.0 on the log, binary mode written, binary and structured mode read.

Binary mode: attributes are headers (`ce_id`, …), the value is the payload's JSON, the record key is whom the event is
about. This is on the hot path of every consumer: types nobody here takes are left before anything is parsed, headers
are looked up once, the payload goes from bytes to its class in one step.
"""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

from pydantic import ValidationError

from moat.kit.events import Catalogue, Event, EventData
from moat.kit.ids import uuid_of
from moat.kit.messaging.log import Received
from moat.kit.problems import FieldError, Invalid

if TYPE_CHECKING:
    from moat.kit.feature import Service

STRUCTURED: Final = b"application/cloudevents+json"
NAME_CHARACTERS_MAX: Final = 512
"""Of an id or a source: both stand in an index."""
CONTEXT_CHARACTERS_MAX: Final = 256
SEQUENCE_DIGITS: Final = 19
_NAMED: Final = frozenset({"content-type"}) | frozenset(
    f"ce_{name}"
    for name in (
        *("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema"),
        *("correlationid", "causationid", "traceparent", "sequence", "recordedat"),
    )
)


class UnreadableEvent(Invalid):
    """The record's bytes are not what a CloudEvent is made of."""

    code, title = "events.unreadable", "The record could not be read as an event"


class InvalidEvent(Invalid):
    """An event of a known type with wrong attributes or data."""

    code, title = "events.invalid", "The event breaks its contract"


class UnknownEventType(Invalid):
    """A type that nobody has declared, on a topic where that is refused."""

    code, title = "events.unknown_type", "This type of event is not known here"


@dataclass(frozen=True, slots=True)
class Wire:
    """What one service reads: the types it takes, and the topics where an unknown type is an error."""

    wanted: Catalogue
    known: frozenset[str]
    strict_topics: frozenset[str]

    @classmethod
    def of(cls, service: "Service") -> "Wire":
        """The reading side of a service's table of contents."""
        wanted = {
            cls.TYPE: cls
            for feature in service.features
            if feature.subscriptions
            for entry in feature.subscriptions.entries
            for cls in entry.types
        }
        known = frozenset((*wanted, *(cls.TYPE for cls in service.events)))
        return cls(wanted, known, frozenset(service.strict_topics))

    def parse(self, received: Received) -> Event[Any] | None:
        """The event in a record, or None when it is of no concern here.

        Raises UnreadableEvent, InvalidEvent or UnknownEventType (all permanent).
        """
        headers = dict(received.headers)
        if (content_type := headers.get("content-type")) and content_type.startswith(STRUCTURED):
            headers, value = _unfold(received)
        else:
            value = received.value or b""
        name = headers.get("ce_type", b"").decode("utf-8", "replace")
        cls = self.wanted.get(name)
        if cls is None or received.topic != cls.TOPIC:
            self._leave(name, received, cls)
            return None
        return _event(cls, headers, value, received, strict=received.topic in self.strict_topics)

    def _leave(self, name: str, received: Received, cls: type[EventData] | None) -> None:
        if received.topic not in self.strict_topics:
            return
        if not name:
            raise UnreadableEvent("the record has no ce_type")
        if cls is not None or name not in self.known:
            raise UnknownEventType(f"{name[:CONTEXT_CHARACTERS_MAX]} is not known on {received.topic}")


def _event(
    cls: type[EventData], headers: Mapping[str, bytes], value: bytes, received: Received, *, strict: bool
) -> Event[Any]:
    try:
        data = cls.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        _refuse(error)
    # PostgreSQL keeps no NUL in a text; finding it here names the event, finding it there would name the statement.
    if b"\\u0000" in value and _holds_nul(json.loads(value)):
        raise InvalidEvent("a text holds a NUL character", errors=[FieldError("/data", "NUL in a text")])
    text = _decoded(headers)
    key = (received.key or b"").decode("utf-8", "replace")
    id_ = text.get("ce_id") or f"{received.topic}/{received.partition}/{received.offset}"
    source = text.get("ce_source") or f"/{received.topic}"
    for name, pointer in ((id_, "/id"), (source, "/source")):
        if len(name) > NAME_CHARACTERS_MAX or "\0" in name:
            raise InvalidEvent(f"{pointer} is too long or holds NUL", errors=[FieldError(pointer, "too long or NUL")])
    recorded_at, sequence = text.get("ce_recordedat"), text.get("ce_sequence", "")
    return Event(
        id=id_,
        source=source,
        type=cls.TYPE,
        time=_instant(text.get("ce_time", ""), "/time"),
        data=data,
        key=key,
        subject_id=None if strict else _subject(text.get("ce_subject") or key),
        sequence=int(sequence) if sequence.isdecimal() and len(sequence) <= SEQUENCE_DIGITS else 0,
        recorded_at=_instant(recorded_at, "/recordedat") if recorded_at else None,
        correlation_id=_context(text.get("ce_correlationid")),
        causation_id=_context(text.get("ce_causationid")),
        traceparent=_context(text.get("ce_traceparent")),
        topic=received.topic,
        partition=received.partition,
        offset=received.offset,
        extensions={}
        if _NAMED.issuperset(text)
        else {name[3:]: text[name] for name in text if name not in _NAMED and name.startswith("ce_")},
    )


def _decoded(headers: Mapping[str, bytes]) -> dict[str, str]:
    """All attributes as text, decoded once; headers of others may be anything."""
    try:
        return {name: raw.decode() for name, raw in headers.items()}
    except UnicodeDecodeError:
        own = {name: raw for name, raw in headers.items() if name.startswith("ce_")}
    try:
        return {name: raw.decode() for name, raw in own.items()}
    except UnicodeDecodeError:
        raise UnreadableEvent("an attribute is not UTF-8") from None


def _unfold(received: Received) -> tuple[dict[str, bytes], bytes]:
    """Structured mode as if it had been binary: (headers, value)."""
    try:
        envelope = json.loads(received.value or b"", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent(f"not JSON: {str(error)[:200]}") from error
    if not isinstance(envelope, dict):
        raise UnreadableEvent("a structured event is a JSON object")
    data, encoded = envelope.pop("data", None), envelope.pop("data_base64", None)
    if isinstance(encoded, str):
        try:
            value = b64decode(encoded, validate=True)
        except ValueError as error:
            raise UnreadableEvent("data_base64 is not base64") from error
    else:
        value = json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")
    headers = {
        f"ce_{name}": str(attribute).encode("utf-8", "surrogatepass")
        for name, attribute in envelope.items()
        if isinstance(attribute, str | int) and not isinstance(attribute, bool)
    }
    return headers, value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(error: ValidationError) -> NoReturn:
    """The contract's refusal, without the input: it may hold personal data."""
    details = error.errors(include_url=False, include_context=False, include_input=False)[:20]
    if details[0]["type"] == "json_invalid":
        raise UnreadableEvent(details[0]["msg"][:200]) from None
    errors = [FieldError("/data" + "".join(f"/{part}" for part in d["loc"]), d["msg"]) for d in details]
    raise InvalidEvent("; ".join(f"{e.pointer}: {e.detail}" for e in errors)[:2000], errors=errors) from None


def _context(text: str | None) -> str | None:
    return text if text and len(text) <= CONTEXT_CHARACTERS_MAX and "\0" not in text else None


def _instant(text: str, pointer: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return at if at.tzinfo is UTC else at.astimezone(UTC)
    except (ValueError, OverflowError):
        detail = "not an RFC 3339 instant with its offset"
        raise InvalidEvent(f"{pointer}: {detail}", errors=[FieldError(pointer, detail)]) from None


def _subject(text: str) -> UUID:
    try:
        return uuid_of(text)
    except ValueError:
        raise InvalidEvent("/subject: not a UUID", errors=[FieldError("/subject", "not a UUID")]) from None


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(item) for pair in value.items() for item in pair)
    return isinstance(value, Sequence) and any(_holds_nul(item) for item in value)
