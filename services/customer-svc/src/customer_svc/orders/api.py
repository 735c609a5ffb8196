"""HTTP door of orders."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from customer_svc.orders import queries
from customer_svc.orders.schemas import OrderOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Page, PageQuery, problems

router: Final = APIRouter(tags=["customers"])


@router.get("/v1/customers/{customer_id}/orders", responses=problems(UnknownCustomer))
async def read_orders(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:read", customers=True))],
    db: Db,
    page: PageQuery,
) -> Page[OrderOut]:
    """A customer's orders, newest first, those not yet paid included."""
    after = page.after_as(datetime, UUID)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, after=(after[0], after[1]) if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.at, row.order_uid), of=OrderOut.of)
