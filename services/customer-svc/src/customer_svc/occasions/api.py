"""HTTP door of occasions."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from customer_svc.occasions import usecases
from customer_svc.occasions.schemas import OccasionOut, OccasionsOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Now, problems

router: Final = APIRouter(tags=["customers"])


@router.get("/v1/customers/{customer_id}/occasions", responses=problems(UnknownCustomer))
async def read_occasions(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:read"))], db: Db, clock: Now
) -> OccasionsOut:
    """A customer's next birthday, birthday month and anniversary, in his own zone and calendar."""
    async with db.transaction() as tx:
        found = await usecases.upcoming(tx, access.id, clock.now())
    return OccasionsOut(customer_id=access.id, items=[OccasionOut.of(one) for one in found])
