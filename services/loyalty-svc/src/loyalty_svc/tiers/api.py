"""The HTTP door of tiers: a customer's membership at a glance, his way to the next tier, the plan, tiers by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.tiers import granting, publishing, queries, usecases
from loyalty_svc.tiers.plans import CODE, TIER_PLANS
from loyalty_svc.tiers.problems import GrantEnded, GrantTooShort, NotJudged, UnknownGrant, UnknownTier
from loyalty_svc.tiers.schemas import (
    BenefitsOut,
    EndIn,
    GrantIn,
    GrantOut,
    JudgingOut,
    LoyaltyOut,
    LoyaltySummaryOut,
    ProspectOut,
)
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import allow
from moat.kit.documents import document_routes
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
StaffReader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read"))]
Granter = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]
_PLANS = "/v1/loyalty/tier-plans"
_GRANTS = "/v1/customers/{customer_id}/loyalty/tier-grants"


@router.get("/v1/customers/{customer_id}/loyalty", responses=problems(UnknownCustomer))
async def read_membership(access: Reader, db: Db, clock: Now, language: Language) -> LoyaltyOut:
    """Accounts, tier, and what is missing to the next tier; zeros for a known customer without postings."""
    async with db.transaction(customer=access.own) as tx:
        membership = await usecases.membership(tx, access.id, now=clock.now())
    return LoyaltyOut.of(access.id, membership, language)


@router.get("/v1/customers/{customer_id}/loyalty/tier", responses=problems(UnknownCustomer))
async def read_tier(access: Reader, db: Db, clock: Now, language: Language) -> ProspectOut:
    """The tier, its benefits, until when it holds, and what is missing to keep it and to the next, also in words."""
    async with db.transaction() as tx:
        prospect = await usecases.prospect(tx, access.id, now=clock.now())
    return ProspectOut.of(prospect, language)


@router.get("/v1/loyalty/summary", dependencies=[Depends(allow("loyalty:read"))])
async def read_summary(db: Db, language: Language) -> LoyaltySummaryOut:
    """How many customers stand in each tier now."""
    async with db.transaction() as tx:
        plan = await queries.plan(tx)
        customers, members = await queries.members_by_tier(tx)
    return LoyaltySummaryOut.of(plan, customers, members, language)


@router.post(_GRANTS, status_code=201, responses=problems(UnknownCustomer, UnknownTier, GrantTooShort))
async def grant_tier(body: GrantIn, access: Granter, once: Once, clock: Now) -> GrantOut:
    """Give a tier by hand until an instant, for a reason; it replaces what was granted before."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await granting.grant_tier(
            tx,
            customer_id,
            body.tier,
            until=body.until,
            reason=body.reason,
            by=access.caller.principal,
            now=clock.now(),
        )
        return await once.answer(tx, GrantOut.of(row), status=201)


@router.post(_GRANTS + "/{grant_id}/end", responses=problems(UnknownCustomer, UnknownGrant, GrantEnded))
async def end_grant(grant_id: UUID, body: EndIn, access: Granter, once: Once, clock: Now) -> GrantOut:
    """Take back what was granted, for a reason."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await granting.end_grant(
            tx, grant_id, customer_id, reason=body.reason, by=access.caller.principal, now=clock.now()
        )
        return await once.answer(tx, GrantOut.of(row))


@router.get(_GRANTS, responses=problems(UnknownCustomer))
async def list_grants(access: StaffReader, db: Db, page: PageQuery) -> Page[GrantOut]:
    """What was ever granted to a customer by hand, newest first."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.grants_of(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=GrantOut.of)


@router.get(f"{_PLANS}/{CODE}/benefits", dependencies=[Depends(allow("loyalty:read"))], responses=problems(UnknownTier))
async def read_benefits(
    db: Db, language: Language, tier: Annotated[str | None, Query(description="Only of this tier")] = None
) -> BenefitsOut:
    """The benefits of each tier of the published plan, for the services that grant them."""
    async with db.transaction() as tx:
        plan = await queries.plan(tx)
    return BenefitsOut.of(plan, tier, language)


@router.get(f"{_PLANS}/{CODE}/judging", dependencies=[Depends(allow("loyalty:read"))], responses=problems(NotJudged))
async def read_judging(
    db: Db, version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the published one")] = None
) -> JudgingOut:
    """How far judging everybody by a version has come."""
    async with db.transaction() as tx:
        row = await queries.judging(tx, version or (await queries.plan(tx)).version)
    if row is None:
        raise NotJudged
    return JudgingOut.of(row)


router.include_router(
    document_routes(
        TIER_PLANS,
        path=_PLANS,
        read="loyalty:read",
        write="loyalty:write",
        preview=publishing.preview_plan,
        doubts=publishing.doubts_about_plan,
        on_publish=publishing.check_publishable,
        on_retire=publishing.refuse_to_retire,
    )
)
