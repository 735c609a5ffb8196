"""HTTP door of the timeline."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from customer_svc.timeline import queries
from customer_svc.timeline.schemas import EntryOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Language, Page, PageQuery, problems

router: Final = APIRouter(tags=["customers"])
Kind = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z_]+(\.[a-z_]+)?$", max_length=100, description="One kind (`order.paid`) or a family (`order`)"
    ),
]


@router.get("/v1/customers/{customer_id}/timeline", responses=problems(UnknownCustomer))
async def read_timeline(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:read"))],
    db: Db,
    page: PageQuery,
    language: Language,
    kind: Kind = None,
) -> Page[EntryOut]:
    """What happened to a customer, from every service, newest first."""
    after = page.after_as(datetime, UUID)
    async with db.transaction() as tx:
        rows = await queries.page(
            tx, access.id, kind=kind, after=(after[0], after[1]) if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.at, row.id), of=lambda row: EntryOut.of(row, language))
