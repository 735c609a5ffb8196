"""HTTP door of splits."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from customer_svc.splits import usecases
from customer_svc.splits.problems import AlreadySplit, MergedOn, NeverMerged, TooManyOrders
from customer_svc.splits.schemas import SplitIn, SplitOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Now, Once, problems

router: Final = APIRouter(tags=["customers"])
Editor = Annotated[CustomerAccess, Depends(customer_access("customers:write"))]
_REFUSALS: Final = problems(UnknownCustomer, NeverMerged, MergedOn, AlreadySplit, TooManyOrders)


@router.post("/v1/customers/{customer_id}/split/preview", responses=_REFUSALS)
async def preview_split(access: Editor, body: SplitIn, db: Db) -> SplitOut:
    """What undoing a merge would move; nothing is changed."""
    async with db.transaction() as tx:
        plan = await usecases.foresee(tx, access.id, body.from_id)
    return SplitOut.of(plan)


@router.post("/v1/customers/{customer_id}/split", responses=_REFUSALS)
async def split_customer(access: Editor, body: SplitIn, once: Once, clock: Now) -> SplitOut:
    """Undo a merge: who was merged away is himself again, with what was his, and no fact joins the two again."""
    async with once.transaction() as tx:
        plan = await usecases.split(tx, access.id, body.from_id, by=access.caller.principal, at=clock.now())
        return await once.answer(tx, SplitOut.of(plan))
