"""The answer of the intake, and how its body is described in the OpenAPI document."""

from typing import Any, Final

from pydantic import BaseModel, Field

from gateway.intake.reading import BATCH, EVENTS_MAX, SINGLE
from moat.contracts.catalogue import INTAKE


class WrongField(BaseModel):
    """One thing that is wrong, by RFC 6901 pointer into the event."""

    pointer: str
    detail: str


class RejectedOut(BaseModel):
    """An event that was refused."""

    index: int = Field(ge=0, description="Its place in the batch")
    id: str | None
    code: str
    errors: list[WrongField]


class TakenOut(BaseModel):
    """What became of the events: the accepted ones are in the log for good."""

    accepted: int = Field(ge=0, description="Repeats included")
    rejected: list[RejectedOut]


_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "source": {"type": "string", "minLength": 1, "maxLength": 200},
        "type": {"type": "string", "enum": sorted(INTAKE)},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object", "description": "See the AsyncAPI document, by type"},
    },
    "additionalProperties": True,
}
REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            SINGLE: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "minItems": 1, "maxItems": EVENTS_MAX, "items": _EVENT}},
        },
    }
}
