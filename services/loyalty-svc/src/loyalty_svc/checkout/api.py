"""The HTTP door of checkouts: one call for a basket, then points and coupons put aside, confirmed, cancelled as one."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.accounts.problems import NotSpendable, UnknownAccountType
from loyalty_svc.checkout import queries, usecases
from loyalty_svc.checkout.payment import PAYMENTS
from loyalty_svc.checkout.problems import CheckoutClosed, PointsNotUsable, UnknownCheckout
from loyalty_svc.checkout.quoting import quote
from loyalty_svc.checkout.schemas import CancelIn, CheckoutOut, ConfirmIn, QuoteIn, QuoteOut, ReserveIn
from loyalty_svc.coupon_uses import usecases as coupon_uses
from loyalty_svc.coupon_uses.problems import CheckoutOver, CodesNotUsable, TooManyWrongCodes
from loyalty_svc.holds.problems import HoldClosed
from loyalty_svc.ledger.problems import InsufficientPoints
from moat.customers.access import CustomerAccess, UnknownCustomer, accessible, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import Caller, allow
from moat.kit.documents import document_routes
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["checkout"])
router.include_router(
    document_routes(
        PAYMENTS,
        path="/v1/loyalty/points-payments",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.check_terms,
    )
)
Visitor = Annotated[Caller, Depends(allow("loyalty:read", customers=True))]
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Staff = Annotated[Caller, Depends(allow("loyalty:read"))]
Till = Annotated[Caller, Depends(allow("loyalty:write"))]
_ONE = "/v1/loyalty/checkouts/{checkout_id}"


def _guesser(caller: Caller) -> coupon_uses.Caller:
    return coupon_uses.Caller(caller.principal, caller.kind)


@router.post("/v1/loyalty/checkout/quote", responses=problems(UnknownCustomer, TooManyWrongCodes))
async def quote_basket(body: QuoteIn, visitor: Visitor, db: Db, clock: Now, language: Language) -> QuoteOut:
    """What a basket comes to: usable points, coupons and why others are not, what it would earn, the next tier."""
    now, guesser = clock.now(), _guesser(visitor)
    order = body.to_order(now, body.order_source or "")
    async with db.transaction() as tx:
        customer_id = await accessible(tx, visitor, body.customer_id, clock, customers=True)
        if order.codes:
            await coupon_uses.refuse_guessing(tx, guesser, now=now)
        found = await quote(tx, customer_id, order, now=now, tells_of_others=visitor.kind != "customer")
    await coupon_uses.count_guesses(db, guesser, coupon_uses.wrong_codes(found.chosen), now=now)
    return QuoteOut.of(found, language)


@router.post(
    "/v1/loyalty/checkouts",
    status_code=201,
    responses=problems(
        UnknownCustomer,
        CodesNotUsable,
        PointsNotUsable,
        InsufficientPoints,
        UnknownAccountType,
        NotSpendable,
        TooManyWrongCodes,
    ),
)
async def reserve_checkout(body: ReserveIn, till: Till, db: Db, once: Once, clock: Now) -> CheckoutOut:
    """Put points and coupons aside while the customer pays, all or nothing; they come back by themselves."""
    now, guesser = clock.now(), _guesser(till)
    try:
        async with once.transaction() as tx:
            if body.codes:
                await coupon_uses.refuse_guessing(tx, guesser, now=now)
            wanted = await accessible(tx, till, body.customer_id, clock, customers=False)
            customer_id = await lock_customer(tx, wanted)
            until = now + timedelta(minutes=body.minutes)
            made = await usecases.reserve(
                tx, customer_id, body.to_order(now), until=until, order_id=body.order_id, now=now
            )
            uses = await usecases.uses_by_checkout(tx, [made])
            return await once.answer(tx, CheckoutOut.of(made, uses.get(made.id, []), now=now), status=201)
    except CodesNotUsable as refused:
        await coupon_uses.count_guesses(db, guesser, refused.wrong, now=now)
        raise


@router.get(_ONE, responses=problems(UnknownCheckout))
async def read_checkout(checkout_id: UUID, _: Staff, db: Db, clock: Now) -> CheckoutOut:
    """What was put aside, and what became of it."""
    async with db.transaction() as tx:
        found = await usecases.read(tx, checkout_id)
        uses = await usecases.uses_by_checkout(tx, [found])
    return CheckoutOut.of(found, uses.get(found.id, []), now=clock.now())


@router.get("/v1/customers/{customer_id}/loyalty/checkouts", responses=problems(UnknownCustomer))
async def list_checkouts(access: Reader, db: Db, clock: Now, page: PageQuery) -> Page[CheckoutOut]:
    """A customer's checkouts, newest first, whatever became of them."""
    after, now = page.after_as(UUID), clock.now()
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.page(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
        uses = await usecases.uses_by_checkout(tx, rows)
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: CheckoutOut.of(row, uses.get(row.id, []), now=now))


@router.post(_ONE + "/confirm", responses=problems(UnknownCheckout, CheckoutClosed, HoldClosed, CheckoutOver))
async def confirm_checkout(checkout_id: UUID, body: ConfirmIn, till: Till, once: Once, clock: Now) -> CheckoutOut:
    """The customer has paid: the points are spent and the coupons used."""
    now = clock.now()
    async with once.transaction() as tx:
        confirmed = await usecases.confirm(tx, checkout_id, order_id=body.order_id, now=now)
        uses = await usecases.uses_by_checkout(tx, [confirmed])
        return await once.answer(tx, CheckoutOut.of(confirmed, uses.get(checkout_id, []), now=now))


@router.post(_ONE + "/cancel", responses=problems(UnknownCheckout, CheckoutClosed, HoldClosed, CheckoutOver))
async def cancel_checkout(checkout_id: UUID, body: CancelIn, till: Till, once: Once, clock: Now) -> CheckoutOut:
    """The customer has turned back: points and coupons are his again."""
    now = clock.now()
    async with once.transaction() as tx:
        cancelled = await usecases.cancel(tx, checkout_id, reason=body.reason, now=now)
        uses = await usecases.uses_by_checkout(tx, [cancelled])
        return await once.answer(tx, CheckoutOut.of(cancelled, uses.get(checkout_id, []), now=now))
