"""The HTTP door of milestones: the plans as documents, and what a customer has reached."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.milestones import queries, usecases
from loyalty_svc.milestones.plans import MILESTONES
from loyalty_svc.milestones.schemas import MilestoneOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.documents import document_routes, versions
from moat.kit.web import Db, Language, Page, PageQuery, problems

router = APIRouter(tags=["loyalty"])
router.include_router(
    document_routes(
        MILESTONES,
        path="/v1/loyalty/milestones",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.check_publishable,
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]


@router.get("/v1/customers/{customer_id}/loyalty/milestones", responses=problems(UnknownCustomer))
async def list_reached(access: Reader, db: Db, page: PageQuery, language: Language) -> Page[MilestoneOut]:
    """What a customer has reached and what it gave, the latest first."""
    after = page.after_as(datetime, UUID)
    async with db.transaction() as tx:
        plans = await versions(tx, MILESTONES)
    names = {one.value.rule: one.value.names for known in plans.values() for one in known}
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.reached_of(
            tx, access.id, after=(after[0], after[1]) if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.at, row.gift_id), of=lambda row: MilestoneOut.of(row, names, language))
