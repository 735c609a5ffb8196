"""The envelope of every event: CloudEvents 1.0 attributes around a typed payload.

`EventData` is the base of every payload in `moat.contracts`; `Event` is one that was received. Pure: no I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from moat.kit.ids import uuid_of

_UUID_CHARACTERS: Final = 36


def _with_our_uuids(schema: Any) -> Any:
    """The schema of a payload, its UUIDs read as those of `kit.ids` and written as these write themselves.

    What is not in the usual form is left to pydantic, and so are refusals; misplaced hyphens are overlooked.
    """
    if isinstance(schema, list):
        return [_with_our_uuids(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "uuid":
        return core_schema.json_or_python_schema(
            core_schema.no_info_before_validator_function(_ours, schema),
            schema,
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )
    return {name: _with_our_uuids(part) for name, part in schema.items()}


def _ours(value: object) -> object:
    if type(value) is not str or len(value) != _UUID_CHARACTERS:
        return value
    try:
        return uuid_of(value)
    except ValueError:
        return value


class EventData(BaseModel):
    """The payload of one event type. Readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")

    TYPE: ClassVar[str]
    """`moat.<aggregate>.<past_tense>.v1`."""
    TOPIC: ClassVar[str]
    AGGREGATE_ID: ClassVar[str | None] = None
    """The field that names the aggregate; None when the aggregate is the subject itself."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _with_our_uuids(handler(source))
        return schema


D = TypeVar("D", bound=EventData, covariant=True)


@dataclass(slots=True)
class Event(Generic[D]):
    """One event as a consumer sees it.

    `subject_id` is whom it is about after merges have been followed (on canonical topics the customer; None on
    intake, where it is not known yet); `key` is the record key as it was on the wire. All instants are aware UTC.
    `time` is when it happened in the world, `recorded_at` when Moat noticed. `sequence` grows per aggregate and
    source (not dense); 0 when the sender gave none.
    """

    id: str
    source: str
    type: str
    time: datetime
    data: D
    key: str
    subject_id: UUID | None = None
    sequence: int = 0
    recorded_at: datetime | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    topic: str = ""
    partition: int = -1
    offset: int = -1
    extensions: dict[str, str] = field(default_factory=dict)

    @property
    def about(self) -> UUID:
        """Whom the event is about: `subject_id` where there must be one."""
        if self.subject_id is None:
            raise ValueError(f"event {self.id} of type {self.type} has no subject")
        return self.subject_id


@dataclass(frozen=True, slots=True)
class Cause:
    """What a derived event needs of its cause; an `Event` has it too. Kept where the effect comes later."""

    id: str
    correlation_id: str | None
    traceparent: str | None


Catalogue = Mapping[str, type[EventData]]


def catalogue_of(classes: Iterable[type[EventData]]) -> Catalogue:
    """Type name → payload class; refuses two classes of one type."""
    found: dict[str, type[EventData]] = {}
    for cls in classes:
        if found.setdefault(cls.TYPE, cls) is not cls:
            raise ValueError(f"two payload classes for {cls.TYPE}")
    return found
