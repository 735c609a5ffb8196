"""The HTTP door of tasks: the plans as documents, how far a customer is, and what he has completed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.tasks import queries, usecases
from loyalty_svc.tasks.plans import TASKS
from loyalty_svc.tasks.schemas import CompletedTaskOut, TaskOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.documents import document_routes, versions
from moat.kit.web import Db, Language, Now, Page, PageQuery, problems

router = APIRouter(tags=["loyalty"])
router.include_router(
    document_routes(
        TASKS,
        path="/v1/loyalty/tasks",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.check_publishable,
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]


@router.get("/v1/customers/{customer_id}/loyalty/tasks", responses=problems(UnknownCustomer))
async def list_running(access: Reader, db: Db, page: PageQuery, clock: Now, language: Language) -> Page[TaskOut]:
    """The tasks that run now, by code, and how far the customer is in each."""
    after = page.after_as(str)
    async with db.transaction() as tx:
        documents = await usecases.documents(tx)
    async with db.transaction(customer=access.own) as tx:
        found = await usecases.running(
            tx, access.id, documents, after=after[0] if after else "", limit=page.limit + 1, now=clock.now()
        )
    return page.page(found, key=lambda one: (one.version.ref.code,), of=lambda one: TaskOut.of(one, language))


@router.get("/v1/customers/{customer_id}/loyalty/tasks/completed", responses=problems(UnknownCustomer))
async def list_completed(access: Reader, db: Db, page: PageQuery, language: Language) -> Page[CompletedTaskOut]:
    """What a customer has completed, with its badges, the latest first; what was withdrawn too."""
    after = page.after_as(datetime, UUID)
    async with db.transaction() as tx:
        known = await versions(tx, TASKS)
    tasks = {one.value.rule: one.value for of_code in known.values() for one in of_code}
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.completed_of(
            tx, access.id, after=(after[0], after[1]) if after else None, limit=page.limit + 1
        )
    return page.page(
        rows, key=lambda row: (row.completed_at, row.gift_id), of=lambda row: CompletedTaskOut.of(row, tasks, language)
    )
