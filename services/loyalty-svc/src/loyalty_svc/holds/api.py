"""The HTTP door of holds: a shop puts a customer's points aside, then spends them or gives them back."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.accounts.problems import NotSpendable, UnknownAccountType
from loyalty_svc.holds import queries, usecases
from loyalty_svc.holds.holding import Status
from loyalty_svc.holds.problems import HoldClosed, MoreThanHeld, UnknownHold
from loyalty_svc.holds.schemas import ConfirmIn, HoldIn, HoldOut
from loyalty_svc.ledger.problems import InsufficientPoints
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.web import Db, Now, Once, Page, PageQuery, problems

router = APIRouter(prefix="/v1/customers/{customer_id}/loyalty/holds", tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]


@router.post(
    "", status_code=201, responses=problems(UnknownCustomer, InsufficientPoints, UnknownAccountType, NotSpendable)
)
async def hold_points(body: HoldIn, access: Writer, once: Once, clock: Now) -> HoldOut:
    """Put points aside, to be confirmed or released; they come back by themselves when their time is over."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        held = await usecases.hold(
            tx,
            customer_id,
            body.account_type,
            body.amount,
            until=now + timedelta(seconds=body.seconds),
            cause=usecases.own_cause(body.order_id),
            reason=body.reason,
            now=now,
        )
        return await once.answer(tx, HoldOut.of(held), status=201)


@router.get("", responses=problems(UnknownCustomer))
async def list_holds(
    access: Reader,
    db: Db,
    page: PageQuery,
    status: Annotated[Status | None, Query(description="Only those in this state")] = None,
) -> Page[HoldOut]:
    """A customer's holds, newest first."""
    after = page.after_as(UUID)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, status, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=HoldOut.of)


@router.post("/{hold_id}/confirm", responses=problems(UnknownCustomer, UnknownHold, HoldClosed, MoreThanHeld))
async def confirm_hold(hold_id: UUID, body: ConfirmIn, access: Writer, once: Once, clock: Now) -> HoldOut:
    """Spend what is held, or part of it; the rest is available again."""
    async with once.transaction() as tx:
        await usecases.must_be_of(tx, hold_id, await lock_customer(tx, access.id))
        held = await usecases.confirm(tx, hold_id, body.amount, now=clock.now())
        return await once.answer(tx, HoldOut.of(held))


@router.post("/{hold_id}/release", responses=problems(UnknownCustomer, UnknownHold, HoldClosed))
async def release_hold(hold_id: UUID, access: Writer, once: Once, clock: Now) -> HoldOut:
    """Give back what is held; releasing it again changes nothing."""
    async with once.transaction() as tx:
        await usecases.must_be_of(tx, hold_id, await lock_customer(tx, access.id))
        held = await usecases.release(tx, hold_id, now=clock.now())
        return await once.answer(tx, HoldOut.of(held))
