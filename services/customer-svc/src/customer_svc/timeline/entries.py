"""One thing that happened, as the timeline keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Entry:
    """`id` is the canonical event's, `event_id` the sender's; `data` holds what a title needs, and no addresses."""

    id: UUID
    customer_id: UUID
    at: datetime
    kind: str
    event_id: str
    order_uid: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def kind_of(event_type: str) -> str:
    """`moat.order.paid.v1` → `order.paid`."""
    return event_type.removeprefix("moat.").rpartition(".")[0]
