"""What the timeline says over HTTP."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from customer_svc.timeline.titles import title_of


class EntryOut(BaseModel):
    """One thing that happened; `title` is for people, in the language asked for."""

    id: UUID
    at: datetime
    kind: str
    title: str
    event_id: str
    data: dict[str, Any]

    @classmethod
    def of(cls, row: Any, language: str) -> Self:
        return cls(
            id=row.id,
            at=row.at,
            kind=row.kind,
            title=title_of(row.kind, row.data, language),
            event_id=row.event_id,
            data=row.data,
        )
