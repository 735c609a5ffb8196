"""One thing that happened, as the timeline keeps it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

# One encoder for all: `dumps` with arguments of its own makes one for each call.
as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class Entry:
    """`id` is the canonical event's, `event_id` the sender's; `data` is JSON: what a title needs, and no addresses."""

    id: UUID
    customer_id: UUID
    at: datetime
    kind: str
    event_id: str
    order_uid: UUID | None = None
    data: str = "{}"


def kind_of(event_type: str) -> str:
    """`moat.order.paid.v1` → `order.paid`."""
    return event_type.removeprefix("moat.").rpartition(".")[0]


def told_by(data: BaseModel) -> str:
    """All that an event says, as an entry keeps it."""
    return data.__pydantic_serializer__.to_json(data, exclude_none=True).decode()
