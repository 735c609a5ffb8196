"""The HTTP door of tiers: a customer's membership at a glance."""

from typing import Annotated

from fastapi import APIRouter, Depends

from loyalty_svc.tiers import queries, usecases
from loyalty_svc.tiers.schemas import LoyaltyOut, LoyaltySummaryOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import allow
from moat.kit.web import Db, Language, problems

router = APIRouter(tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]


@router.get("/v1/customers/{customer_id}/loyalty", responses=problems(UnknownCustomer))
async def read_membership(access: Reader, db: Db, language: Language) -> LoyaltyOut:
    """Accounts, tier, and what is missing to the next tier; zeros for a known customer without postings."""
    async with db.transaction(customer=access.own) as tx:
        membership = await usecases.membership(tx, access.id)
    return LoyaltyOut.of(access.id, membership, language)


@router.get("/v1/loyalty/summary", dependencies=[Depends(allow("loyalty:read"))])
async def read_summary(db: Db, language: Language) -> LoyaltySummaryOut:
    """How many customers stand in each tier now."""
    async with db.transaction() as tx:
        plan = await queries.plan(tx)
        customers, members = await queries.members_by_tier(tx)
    return LoyaltySummaryOut.of(plan, customers, members, language)
