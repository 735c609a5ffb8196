"""The HTTP door of adjustments: staff correct an account, and somebody else agrees to what is large."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.accounts.problems import NotSpendable, UnknownAccountType
from loyalty_svc.adjustments import queries, usecases
from loyalty_svc.adjustments.correcting import Status
from loyalty_svc.adjustments.problems import AdjustmentDecided, SecondPersonNeeded, UnknownAdjustment
from loyalty_svc.adjustments.schemas import AdjustmentIn, AdjustmentOut, DecisionIn
from loyalty_svc.ledger.problems import InsufficientPoints
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import Caller, allow
from moat.kit.web import Db, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read"))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]
Watcher = Annotated[Caller, Depends(allow("loyalty:read"))]
Decider = Annotated[Caller, Depends(allow("loyalty:write"))]
OfStatus = Annotated[Status | None, Query(description="Only those in this state")]
_OF_CUSTOMER = "/v1/customers/{customer_id}/loyalty/adjustments"
_DECISIONS = problems(UnknownAdjustment, AdjustmentDecided, SecondPersonNeeded)


@router.post(
    _OF_CUSTOMER,
    status_code=201,
    responses=problems(UnknownCustomer, InsufficientPoints, UnknownAccountType, NotSpendable),
)
async def adjust_points(body: AdjustmentIn, access: Writer, once: Once, clock: Now) -> AdjustmentOut:
    """Give or take points for a reason; above the limit of the account type it waits for a second person."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        asked = await usecases.adjust(
            tx,
            customer_id,
            body.account_type,
            body.amount,
            reason=body.reason,
            by=access.caller.principal,
            now=clock.now(),
        )
        return await once.answer(tx, AdjustmentOut.of(asked), status=201)


@router.get(_OF_CUSTOMER, responses=problems(UnknownCustomer))
async def list_adjustments_of_customer(
    access: Reader, db: Db, page: PageQuery, status: OfStatus = None
) -> Page[AdjustmentOut]:
    """A customer's adjustments, newest first."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.page(
            tx, customer_id=access.id, status=status, after=after[0] if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.id,), of=AdjustmentOut.of)


@router.get("/v1/loyalty/adjustments")
async def list_adjustments(_: Watcher, db: Db, page: PageQuery, status: OfStatus = None) -> Page[AdjustmentOut]:
    """Adjustments of all customers, newest first; `?status=waiting` is what somebody has to decide."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.page(
            tx, customer_id=None, status=status, after=after[0] if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.id,), of=AdjustmentOut.of)


@router.post("/v1/loyalty/adjustments/{adjustment_id}/approve", responses=_DECISIONS | problems(InsufficientPoints))
async def approve_adjustment(
    adjustment_id: UUID, body: DecisionIn, caller: Decider, once: Once, clock: Now
) -> AdjustmentOut:
    """Book what somebody else asked for."""
    async with once.transaction() as tx:
        decided = await usecases.approve(tx, adjustment_id, by=caller.principal, note=body.note, now=clock.now())
        return await once.answer(tx, AdjustmentOut.of(decided))


@router.post("/v1/loyalty/adjustments/{adjustment_id}/refuse", responses=_DECISIONS)
async def refuse_adjustment(
    adjustment_id: UUID, body: DecisionIn, caller: Decider, once: Once, clock: Now
) -> AdjustmentOut:
    """Let it be."""
    async with once.transaction() as tx:
        decided = await usecases.refuse(tx, adjustment_id, by=caller.principal, note=body.note, now=clock.now())
        return await once.answer(tx, AdjustmentOut.of(decided))
