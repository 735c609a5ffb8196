"""The HTTP door of reviews."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.reviews import queries, usecases
from loyalty_svc.reviews.problems import DecidedWithBase, NotHeld, UnknownAward
from loyalty_svc.reviews.schemas import AwardOut, DecisionIn, Status
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import Caller, allow
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["loyalty: earning"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read"))]
Watcher = Depends(allow("loyalty:read"))
Decider = Annotated[Caller, Depends(allow("loyalty:write"))]
OfStatus = Annotated[Status | None, Query(description="only those in this state")]


@router.get("/v1/loyalty/awards", dependencies=[Watcher])
async def list_awards(db: Db, page: PageQuery, language: Language, status: OfStatus = None) -> Page[AwardOut]:
    """Awards that a limit cut, refused or holds, and those for other events than orders, newest first.

    `?status=held` is what waits for a person.
    """
    return await _page(db, page, language, None, status)


@router.get("/v1/customers/{customer_id}/loyalty/awards", responses=problems(UnknownCustomer))
async def list_awards_of_customer(
    access: Reader, db: Db, page: PageQuery, language: Language, status: OfStatus = None
) -> Page[AwardOut]:
    """The same of one customer."""
    return await _page(db, page, language, access.id, status)


async def _page(
    db: Db, page: PageQuery, language: Language, customer_id: UUID | None, status: Status | None
) -> Page[AwardOut]:
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.page(
            tx, customer_id=customer_id, status=status, after=after[0] if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: AwardOut.of(row, language))


@router.post("/v1/loyalty/awards/{id}/approve", responses=problems(UnknownAward, NotHeld, DecidedWithBase))
async def approve_award(
    id: UUID, body: DecisionIn, once: Once, clock: Now, language: Language, caller: Decider
) -> AwardOut:
    """Give an award that was held and those on top of it, less what refunds have taken of their order since."""
    async with once.transaction() as tx:
        done = await usecases.approve(tx, id, reason=body.reason, by=caller.principal, now=clock.now())
        return await once.answer(tx, AwardOut.of(done, language))


@router.post("/v1/loyalty/awards/{id}/turn-down", responses=problems(UnknownAward, NotHeld, DecidedWithBase))
async def turn_down_award(
    id: UUID, body: DecisionIn, once: Once, clock: Now, language: Language, caller: Decider
) -> AwardOut:
    """Do not give an award that was held, nor those on top of it; their limits let others through again."""
    async with once.transaction() as tx:
        done = await usecases.turn_down(tx, id, reason=body.reason, by=caller.principal, now=clock.now())
        return await once.answer(tx, AwardOut.of(done, language))
