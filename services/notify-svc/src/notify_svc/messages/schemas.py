"""What goes out over HTTP about messages."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel


class CauseOut(BaseModel):
    """Why there is this message."""

    event_id: str
    type: str


class MessageOut(BaseModel):
    """One message, sent or not; `reason` says why not."""

    id: UUID
    at: datetime
    channel: Literal["inbox", "email"]
    template: str
    status: Literal["sent", "delivered", "failed", "suppressed", "deferred"]
    reason: str | None
    cause: CauseOut

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `message`."""
        cause = CauseOut(event_id=row.cause["event_id"], type=row.cause["type"])
        return cls(
            id=row.id,
            at=row.at,
            channel=row.channel,
            template=row.template,
            status=row.status,
            reason=row.reason,
            cause=cause,
        )


class CountOut(BaseModel):
    """How many messages are in one state for one reason."""

    status: str
    reason: str | None
    messages: int


class SummaryOut(BaseModel):
    """All messages by state and reason, the most frequent first."""

    messages: int
    counts: list[CountOut]
