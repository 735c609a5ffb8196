"""What goes out over HTTP about the inbox."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from notify_svc.inbox.queries import InboxRow
from notify_svc.templates.rendering import Words


class InboxMessageOut(BaseModel):
    """One message as its reader sees it, in his language."""

    id: UUID
    at: datetime
    template: str
    subject: str
    body: str
    read_at: datetime | None

    @classmethod
    def of(cls, message: tuple[InboxRow, Words]) -> Self:
        """From a row and its words."""
        row, words = message
        return cls(
            id=row.id, at=row.at, template=row.template, subject=words.subject, body=words.body, read_at=row.read_at
        )
