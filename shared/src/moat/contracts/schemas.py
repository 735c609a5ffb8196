"""JSON Schemas of the events, one a type, made from the payload classes.

They are committed under `shared/schemas/` so that a change of contract is seen in review; nothing is written by hand.
"""

from typing import Any

from moat.contracts.catalogue import EVENTS
from moat.kit.events import EventData

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(cls: type[EventData]) -> dict[str, Any]:
    """The schema of one payload: what a reader accepts, so a field with a default is not required."""
    return {"$schema": DIALECT, "$id": f"urn:{cls.TYPE.replace('.', ':')}", **cls.model_json_schema(mode="validation")}


def schemas() -> dict[str, dict[str, Any]]:
    """Type name → schema, sorted."""
    return {name: schema_of(EVENTS[name]) for name in sorted(EVENTS)}
