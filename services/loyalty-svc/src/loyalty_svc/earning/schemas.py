"""What goes out over HTTP of earning."""

from typing import Any

from pydantic import BaseModel

from loyalty_svc.earning.events import CATALOGUES


class EventFields(BaseModel):
    """What rules about one event type may ask: name, kind and operators of each field."""

    on: str
    fields: list[dict[str, Any]]


class FieldsOut(BaseModel):
    """Every event type that rules can be about."""

    events: list[EventFields]

    @classmethod
    def all(cls) -> "FieldsOut":
        """As the catalogues of the service have them."""
        events = [EventFields(on=on, fields=catalogue.describe()) for on, catalogue in CATALOGUES.items()]
        return cls(events=events)
