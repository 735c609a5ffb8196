"""The HTTP door: a customer's messages, each with its outcome and reason."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from moat.customers.access import CustomerAccess, customer_access
from moat.kit.web import Db, Page, PageQuery
from notify_svc.messages import queries
from notify_svc.messages.schemas import MessageOut

router = APIRouter(prefix="/v1/customers/{customer_id}/messages", tags=["messages"])
Reader = Annotated[CustomerAccess, Depends(customer_access("messages:read", customers=True))]


@router.get("")
async def list_messages(page: PageQuery, db: Db, access: Reader) -> Page[MessageOut]:
    """Everything that was written to a customer, or was not and why, newest first."""
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, before=page.after_as(datetime, UUID), limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.at, row.id), of=MessageOut.of)
