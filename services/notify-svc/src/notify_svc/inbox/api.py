"""The HTTP door of the inbox; for customers only."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from moat.customers.access import CustomerAccess, own_access
from moat.kit.web import Db, Language, Now, Page, PageQuery, problems
from notify_svc.inbox import queries, usecases
from notify_svc.inbox.schemas import InboxMessageOut

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
Reader = Annotated[CustomerAccess, Depends(own_access)]


@router.get("")
async def read_inbox(page: PageQuery, db: Db, reader: Reader, language: Language) -> Page[InboxMessageOut]:
    """The customer's in-app messages, unread first."""
    async with db.transaction(customer=reader.id) as tx:
        after = page.after_as(bool, datetime, UUID)
        rows = await queries.page(tx, reader.id, after=after, limit=page.limit + 1)
        messages = await usecases.with_words(tx, rows, language)
    return page.page(messages, key=lambda m: (m[0].read_at is not None, m[0].at, m[0].id), of=InboxMessageOut.of)


@router.post("/{message_id}/read", responses=problems(usecases.UnknownMessage))
async def mark_read(message_id: UUID, db: Db, reader: Reader, language: Language, clock: Now) -> InboxMessageOut:
    """Mark a message as read; again changes nothing."""
    async with db.transaction() as tx:
        message = await usecases.read(tx, message_id, reader.id, language, at=clock.now())
    return InboxMessageOut.of(message)
