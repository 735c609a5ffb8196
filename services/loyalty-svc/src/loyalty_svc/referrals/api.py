"""The HTTP door of referrals: the programme, a member's code, using a code, and what came of it."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.coupon_uses.problems import TooManyWrongCodes
from loyalty_svc.coupon_uses.usecases import Caller, count_guesses, refuse_guessing
from loyalty_svc.referrals import queries, usecases
from loyalty_svc.referrals.problems import NoProgramme, UnknownCode
from loyalty_svc.referrals.programme import REFERRALS
from loyalty_svc.referrals.schemas import ClaimIn, ReferralCodeOut, ReferralOut, StatusName
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import allow
from moat.kit.documents import document_routes
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router: Final = APIRouter(tags=["referrals"])
router.include_router(
    document_routes(
        REFERRALS,
        path="/v1/loyalty/referral-programmes",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.check_publishable,
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write", customers=True))]
_OF_ONE: Final = "/v1/customers/{customer_id}/loyalty/referrals"


@router.get("/v1/customers/{customer_id}/loyalty/referral-code", responses=problems(UnknownCustomer, NoProgramme))
async def read_code(access: Reader, db: Db, clock: Now, language: Language) -> ReferralCodeOut:
    """A member's own code, made when it is first asked for, and what the programme promises."""
    now = clock.now()
    async with db.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        programme = await usecases.current(tx, now)
        code = await usecases.own_code(tx, customer_id, now)
    return ReferralCodeOut.of(customer_id, code, programme, language)


@router.post(_OF_ONE, status_code=201, responses=problems(UnknownCustomer, UnknownCode, NoProgramme, TooManyWrongCodes))
async def use_code(body: ClaimIn, access: Writer, db: Db, once: Once, clock: Now, language: Language) -> ReferralOut:
    """A friend uses the code he was given. Where it is refused, the answer is a rejected referral with its reason."""
    now, caller = clock.now(), Caller(access.caller.principal, access.caller.kind)
    try:
        async with once.transaction() as tx:
            await refuse_guessing(tx, caller, now=now)
            friend_id = await lock_customer(tx, access.id)
            referral, _ = await usecases.claim(tx, friend_id, body.code, now=now)
            out = ReferralOut.of(referral, language, shows_ids=access.own is None)
            return await once.answer(tx, out, status=201)
    except UnknownCode:
        await count_guesses(db, caller, 1, now=now)
        raise


@router.get(_OF_ONE, responses=problems(UnknownCustomer))
async def list_own(access: Reader, db: Db, page: PageQuery, language: Language) -> Page[ReferralOut]:
    """The friends whom a member has brought, the latest first."""
    after = page.after_as(UUID) or (None,)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, status=None, after=after[0], limit=page.limit + 1)
    shows_ids = access.own is None
    return page.page(rows, key=lambda one: (one.id,), of=lambda one: ReferralOut.of(one, language, shows_ids=shows_ids))


@router.get("/v1/loyalty/referrals", dependencies=[Depends(allow("loyalty:read"))])
async def list_all(db: Db, page: PageQuery, language: Language, status: StatusName | None = None) -> Page[ReferralOut]:
    """All referrals, the latest first; by status, the refused ones with their reasons."""
    after = page.after_as(UUID) or (None,)
    async with db.transaction() as tx:
        rows = await queries.page(tx, None, status=status, after=after[0], limit=page.limit + 1)
    return page.page(rows, key=lambda one: (one.id,), of=lambda one: ReferralOut.of(one, language, shows_ids=True))
