"""The HTTP door: a customer's messages, each with its outcome and reason."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from moat.customers.access import CustomerAccess, customer_access
from moat.kit.auth import allow
from moat.kit.web import Db, Page, PageQuery
from notify_svc.messages import queries
from notify_svc.messages.schemas import CountOut, MessageOut, SummaryOut

router = APIRouter(tags=["messages"])
Reader = Annotated[CustomerAccess, Depends(customer_access("messages:read", customers=True))]


@router.get("/v1/customers/{customer_id}/messages")
async def list_messages(page: PageQuery, db: Db, access: Reader) -> Page[MessageOut]:
    """Everything that was written to a customer, or was not and why, newest first."""
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, before=page.after_as(datetime, UUID), limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.at, row.id), of=MessageOut.of)


@router.get("/v1/messages/summary", dependencies=[Depends(allow("messages:read"))])
async def read_summary(db: Db) -> SummaryOut:
    """How many messages there are in each state, and why those that were held back were."""
    async with db.transaction() as tx:
        rows = await queries.counts(tx)
    return SummaryOut(
        messages=sum(row.messages for row in rows),
        counts=[CountOut(status=row.status, reason=row.reason, messages=row.messages) for row in rows],
    )
