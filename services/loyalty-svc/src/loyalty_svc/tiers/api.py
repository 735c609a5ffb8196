"""The HTTP door of tiers: a customer's membership at a glance."""

from typing import Annotated

from fastapi import APIRouter, Depends

from loyalty_svc.tiers import usecases
from loyalty_svc.tiers.schemas import LoyaltyOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Language, problems

router = APIRouter(tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]


@router.get("/v1/customers/{customer_id}/loyalty", responses=problems(UnknownCustomer))
async def read_membership(access: Reader, db: Db, language: Language) -> LoyaltyOut:
    """Accounts, tier, and what is missing to the next tier; zeros for a known customer without postings."""
    async with db.transaction(customer=access.own) as tx:
        membership = await usecases.membership(tx, access.id)
    return LoyaltyOut.of(access.id, membership, language)
