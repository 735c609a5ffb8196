"""The HTTP door of coupon uses: validate, put aside, redeem, give back."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.coupon_uses import queries, usecases
from loyalty_svc.coupon_uses.problems import CheckoutOver, CodesNotUsable, TooManyWrongCodes, UnknownCheckout
from loyalty_svc.coupon_uses.schemas import (
    CheckoutOut,
    RedeemIn,
    ReserveIn,
    RollBackIn,
    UseOut,
    ValidateIn,
    ValidationOut,
)
from loyalty_svc.coupon_uses.usecases import Caller
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["coupons"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]
_USES = "/v1/customers/{customer_id}/loyalty/coupon-uses"


def _caller(access: CustomerAccess) -> Caller:
    return Caller(access.caller.principal, access.caller.kind)


@router.post(
    "/v1/customers/{customer_id}/loyalty/coupons/validate", responses=problems(UnknownCustomer, TooManyWrongCodes)
)
async def validate_codes(body: ValidateIn, access: Reader, db: Db, clock: Now, language: Language) -> ValidationOut:
    """What these codes take off this basket, together, or every reason why not. Nothing is put aside."""
    now, caller = clock.now(), _caller(access)
    async with db.transaction() as tx:
        await usecases.refuse_guessing(tx, caller, now=now)
        basket = await usecases.with_tier(tx, access.id, body.basket.to_basket(now))
        judged = await usecases.validate(tx, body.codes, access.id, basket, tells_of_others=access.own is None)
    await usecases.count_guesses(db, caller, usecases.wrong_codes(judged), now=now)
    return ValidationOut.of(judged, basket, language)


@router.post(_USES, status_code=201, responses=problems(UnknownCustomer, CodesNotUsable, TooManyWrongCodes))
async def reserve_codes(body: ReserveIn, access: Writer, db: Db, once: Once, clock: Now) -> CheckoutOut:
    """Put codes aside for a basket while the customer pays, all or none; they come back by themselves."""
    now, caller = clock.now(), _caller(access)
    try:
        async with once.transaction() as tx:
            await usecases.refuse_guessing(tx, caller, now=now)
            customer_id = await lock_customer(tx, access.id)
            basket = await usecases.with_tier(tx, customer_id, body.basket.to_basket(now))
            until = now + timedelta(minutes=body.minutes)
            checkout_id, _ = await usecases.reserve(
                tx, body.codes, customer_id, basket, until=until, order_id=body.order_id
            )
            uses = await queries.uses_of(tx, [checkout_id])
            return await once.answer(tx, CheckoutOut.of(uses), status=201)
    except CodesNotUsable as refused:
        await usecases.count_guesses(db, caller, refused.wrong, now=now)
        raise


@router.get(_USES, responses=problems(UnknownCustomer))
async def list_uses(access: Reader, db: Db, page: PageQuery) -> Page[UseOut]:
    """A customer's uses, newest first, whatever became of them."""
    after = page.after_as(UUID)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.uses_of_customer(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=UseOut.of)


@router.post(_USES + "/{checkout_id}/redeem", responses=problems(UnknownCustomer, UnknownCheckout, CheckoutOver))
async def redeem_codes(checkout_id: UUID, body: RedeemIn, access: Writer, once: Once, clock: Now) -> CheckoutOut:
    """The customer has paid: what was put aside is used."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        uses = await usecases.redeem(tx, checkout_id, at=clock.now(), customer_id=customer_id, order_id=body.order_id)
        return await once.answer(tx, CheckoutOut.of(uses))


@router.post(_USES + "/{checkout_id}/roll-back", responses=problems(UnknownCustomer, UnknownCheckout, CheckoutOver))
async def roll_back_codes(checkout_id: UUID, body: RollBackIn, access: Writer, once: Once, clock: Now) -> CheckoutOut:
    """Give codes back, put aside or used: the order fell through or was returned."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        uses = await usecases.roll_back(tx, checkout_id, at=clock.now(), reason=body.reason, customer_id=customer_id)
        return await once.answer(tx, CheckoutOut.of(uses))
