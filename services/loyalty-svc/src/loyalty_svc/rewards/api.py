"""The HTTP door of rewards: the documents, what a member may have, and the way of each redemption."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.ledger.problems import InsufficientPoints
from loyalty_svc.rewards import queries, redeeming, usecases
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.rewards.problems import (
    CouponGone,
    CouponUsed,
    OneCouponAtATime,
    PaymentNeeded,
    RedemptionNotThere,
    RewardNotAvailable,
    UnknownRedemption,
    UnknownReward,
)
from loyalty_svc.rewards.redeeming import Wish
from loyalty_svc.rewards.reward import Reward, State
from loyalty_svc.rewards.schemas import (
    CancelIn,
    ConfirmIn,
    MoveOnIn,
    OfferOut,
    RedeemIn,
    RedemptionOut,
    RefundIn,
)
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer, lock_customers
from moat.kit.auth import Caller, allow
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, document_routes
from moat.kit.problems import Problem
from moat.kit.web import LATER, Db, Language, Later, Now, Once, Outcome, Page, PageQuery, problems


async def check_publishable(tx: Transaction, reward: Published[Reward], now: datetime) -> None:
    """A reward is paid with points that can be spent, and one that is a coupon names one that is given out."""
    await usecases.must_be_payable(tx, reward.value, now=now)


router = APIRouter(tags=["rewards"])
router.include_router(
    document_routes(
        REWARDS, path="/v1/loyalty/rewards", read="loyalty:read", write="loyalty:write", on_publish=check_publishable
    )
)
StaffReader = Annotated[Caller, Depends(allow("loyalty:read"))]
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write", customers=True))]
Fulfiller = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]
_OF_CUSTOMER = "/v1/customers/{customer_id}/loyalty/redemptions"
_ONE = _OF_CUSTOMER + "/{redemption_id}"
_NOT_THERE = problems(UnknownCustomer, UnknownRedemption, RedemptionNotThere)


@router.get("/v1/customers/{customer_id}/loyalty/rewards", responses=problems(UnknownCustomer))
async def list_rewards(access: Reader, db: Db, clock: Now, page: PageQuery, language: Language) -> Page[OfferOut]:
    """Every reward there is, by code, with what it costs this member and why he cannot have it, if he cannot."""
    after = page.after_as(str)
    async with db.transaction() as tx:
        offers = await usecases.offers(tx, access.id, now=clock.now())
    wanted = [offer for offer in offers if after is None or offer.reward.code > after[0]]
    return page.page(
        wanted[: page.limit + 1], key=lambda offer: (offer.reward.code,), of=lambda offer: OfferOut.of(offer, language)
    )


@router.post(
    _OF_CUSTOMER,
    status_code=201,
    responses=problems(
        UnknownCustomer,
        UnknownReward,
        OneCouponAtATime,
        RewardNotAvailable,
        InsufficientPoints,
        PaymentNeeded,
        CouponGone,
    ),
)
async def redeem_reward(body: RedeemIn, access: Writer, once: Once, clock: Now) -> RedemptionOut:
    """Have a reward for points, at once or put aside until it is confirmed. Points and pieces go together."""
    wish = Wish(access.id, body.reward, body.quantity)
    if not body.reserve:
        return await once.together(redeem, wish, about=access.id, status=201)
    now = clock.now()
    async with once.transaction() as tx:
        wish = wish._replace(customer_id=await lock_customer(tx, access.id))
        row = await redeeming.reserve(tx, wish, until=now + timedelta(minutes=body.minutes), now=now)
        return await once.answer(tx, RedemptionOut.of(row), status=201)


async def redeem(tx: Transaction, wishes: Sequence[Wish], clock: Clock) -> list[Outcome[RedemptionOut]]:
    """Those who ask at the same time. Who has become one with another of them goes with the next."""
    survivors = await lock_customers(tx, [wish.customer_id for wish in wishes])
    own: dict[UUID, Wish] = {}
    for id_, wish in zip(survivors, wishes, strict=True):
        own.setdefault(id_, wish._replace(customer_id=id_))
    redeemed = dict(zip(own, await redeeming.redeem(tx, list(own.values()), now=clock.now()), strict=True))
    outcomes: list[Outcome[RedemptionOut]] = []
    for id_ in survivors:
        row = redeemed.pop(id_, LATER)
        outcomes.append(row if isinstance(row, Problem | Later) else RedemptionOut.of(row))
    return outcomes


@router.get(_OF_CUSTOMER, responses=problems(UnknownCustomer))
async def list_redemptions(access: Reader, db: Db, page: PageQuery) -> Page[RedemptionOut]:
    """A customer's redemptions, newest first, whatever became of them."""
    after = page.after_as(UUID)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.of_customer(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=RedemptionOut.of)


@router.get(_ONE, responses=problems(UnknownCustomer, UnknownRedemption))
async def read_redemption(redemption_id: UUID, access: Reader, db: Db) -> RedemptionOut:
    """One redemption."""
    async with db.transaction(customer=access.own) as tx:
        return RedemptionOut.of(await usecases.of(tx, redemption_id, access.id))


@router.get("/v1/loyalty/redemptions")
async def list_work(_: StaffReader, db: Db, page: PageQuery, state: State = "redeemed") -> Page[RedemptionOut]:
    """Redemptions in one state, the oldest first: what is to be sent or handed over."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.in_state(tx, state, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=RedemptionOut.of)


@router.post(_ONE + "/confirm", responses=_NOT_THERE | problems(RedemptionNotThere, PaymentNeeded, CouponGone))
async def confirm_redemption(
    redemption_id: UUID, body: ConfirmIn, access: Writer, once: Once, clock: Now
) -> RedemptionOut:
    """Spend the points that were put aside. Where money is due too, the shop says that it was paid, not the member."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        is_shop = access.own is None
        row = await usecases.confirm(
            tx,
            redemption_id,
            customer_id,
            now=clock.now(),
            order_id=body.order_id if is_shop else None,
            is_paid=is_shop,
        )
        return await once.answer(tx, RedemptionOut.of(row))


@router.post(_ONE + "/cancel", responses=_NOT_THERE)
async def cancel_redemption(
    redemption_id: UUID, body: CancelIn, access: Writer, once: Once, clock: Now
) -> RedemptionOut:
    """Give up what was put aside: points and pieces are free again."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.cancel(tx, redemption_id, customer_id, now=clock.now(), reason=body.reason)
        return await once.answer(tx, RedemptionOut.of(row))


@router.post(_ONE + "/send", responses=_NOT_THERE)
async def send_redemption(
    redemption_id: UUID, body: MoveOnIn, access: Fulfiller, once: Once, clock: Now
) -> RedemptionOut:
    """It is on its way to the customer."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.move_on(tx, redemption_id, customer_id, "sent", now=clock.now(), reference=body.reference)
        return await once.answer(tx, RedemptionOut.of(row))


@router.post(_ONE + "/fulfil", responses=_NOT_THERE)
async def fulfil_redemption(
    redemption_id: UUID, body: MoveOnIn, access: Fulfiller, once: Once, clock: Now
) -> RedemptionOut:
    """The customer has it."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.move_on(
            tx, redemption_id, customer_id, "fulfilled", now=clock.now(), reference=body.reference
        )
        return await once.answer(tx, RedemptionOut.of(row))


@router.post(_ONE + "/refund", responses=_NOT_THERE | problems(RedemptionNotThere, CouponUsed))
async def refund_redemption(
    redemption_id: UUID, body: RefundIn, access: Fulfiller, once: Once, clock: Now
) -> RedemptionOut:
    """Give the points back, and the pieces to the shelf; a coupon that was given is withdrawn."""
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.refund(
            tx,
            redemption_id,
            customer_id,
            now=clock.now(),
            by=access.caller.principal,
            reason=body.reason,
            restock=body.restock,
        )
        return await once.answer(tx, RedemptionOut.of(row))
