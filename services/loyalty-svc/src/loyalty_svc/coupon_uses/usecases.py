"""What uses of coupons do inside the transaction they are given."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.coupon_uses import guessing, queries
from loyalty_svc.coupon_uses.judging import Held, Judged, Reason, Refusal, judge
from loyalty_svc.coupon_uses.problems import CheckoutOver, CodesNotUsable, TooManyWrongCodes, UnknownCheckout
from loyalty_svc.coupon_uses.queries import Counted, NewUse
from loyalty_svc.coupon_uses.tables import RELEASE
from loyalty_svc.coupon_uses.wording import sentence
from loyalty_svc.coupons import codes as heart
from loyalty_svc.coupons.basket import Basket
from loyalty_svc.coupons.usecases import Versions, every_version
from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.tiers import usecases as tiers
from moat.contracts.loyalty import CouponRedeemed, CouponRolledBack
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause, Event
from moat.kit.ids import uuid7
from moat.kit.timers import clear_timers, set_timers

CODES_MAX: Final = 10
"""Codes in one basket."""
RESERVED_FOR: Final = timedelta(minutes=30)
RESERVED_MINUTES_MAX: Final = 7 * 24 * 60
LANGUAGES: Final = ("zh-CN", "en")
ROLLED_BACK: Final = "staff.rolled_back"
"""The reason that is told of; what staff wrote stays with the use, for events carry no words about people."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries codes: `principal` is counted, `kind` decides how many wrong ones he may try."""

    principal: str
    kind: str


async def with_tier(tx: Transaction, customer_id: UUID, basket: Basket) -> Basket:
    """The basket with the tier its buyer is in now, and what tiers are called."""
    membership = await tiers.membership(tx, customer_id)
    return replace(basket, tier=membership.tier_at(basket.at), tier_names=membership.plan.tier_names)


async def with_discounts(
    tx: Transaction, customer_id: UUID, basket: Basket, held: Iterable[Held], coupons: Versions
) -> Basket:
    """The basket with how much its buyer depends on discounts, if one of these codes' coupons asks for it."""
    if not any(coupons[one.coupon, one.version].asks_about_discounts for one in held):
        return basket
    return replace(basket, discount_share=await discounts.share(tx, customer_id, basket.at))


async def validate(
    tx: Transaction,
    typed: Sequence[str],
    customer_id: UUID,
    basket: Basket,
    *,
    lock: bool = False,
    tells_of_others: bool = True,
) -> list[Judged]:
    """Judge codes as they were typed, each once, for a basket; `lock` keeps their own uses as they are.

    A member who asks for himself is not told which codes others have (`tells_of_others`): to him there are none.
    """
    found, wrong = heart.distinct(typed)
    held = await queries.held(tx, found, customer_id, lock=lock) if found else {}
    if not tells_of_others:
        held = {code: one for code, one in held.items() if one.customer_id in {None, customer_id}}
    coupons = await every_version(tx) if held else {}
    basket = await with_discounts(tx, customer_id, basket, held.values(), coupons)
    judged = judge(found, held, coupons, basket, customer_id)
    return judged + [Judged(typed[place], refusals=[Refusal(Reason.UNKNOWN)]) for place in wrong]


async def reserve(
    tx: Transaction,
    typed: Sequence[str],
    customer_id: UUID,
    basket: Basket,
    *,
    until: datetime,
    order_id: str | None = None,
    checkout_id: UUID | None = None,
) -> tuple[UUID, list[Judged]]:
    """Put codes aside for a basket, all or none; returns the checkout's id. The customer is locked.

    Raises CodesNotUsable when one of them cannot be used, also where somebody else was quicker.
    """
    judged = await validate(tx, typed, customer_id, basket, lock=True)
    if not judged or not all(one.is_usable for one in judged):
        raise not_usable(judged)
    checkout_id = checkout_id or uuid7()
    await _count(tx, judged, customer_id)
    uses = [NewUse(uuid7(), _held(one), one.worth) for one in judged if one.worth is not None]
    await queries.add_uses(
        tx,
        uses,
        checkout_id=checkout_id,
        customer_id=customer_id,
        at=basket.at,
        until=until,
        currency=basket.currency,
        order_id=order_id,
    )
    await set_timers(tx, RELEASE, [(str(checkout_id), until, {})])
    return checkout_id, judged


async def _count(tx: Transaction, judged: Sequence[Judged], customer_id: UUID) -> None:
    """Count the uses on codes, on the customer and on limited pools. Raises CodesNotUsable where a limit is reached."""
    await queries.count_codes(tx, {_held(one).id: 1 for one in judged})
    coupons: dict[str, Counted] = {}
    pools: dict[UUID, Counted] = {}
    for one in judged:
        held, coupon = _held(one), one.coupon
        assert coupon is not None
        coupons[held.coupon] = _one_more(coupons.get(held.coupon), coupon.uses_per_customer)
        if coupon.uses_per_pool is not None:
            pools[held.pool_id] = _one_more(pools.get(held.pool_id), coupon.uses_per_pool)
    counted_coupons = await queries.count_customer(tx, customer_id, coupons)
    counted_pools = await queries.count_pools(tx, pools)
    for one in judged:
        held = _held(one)
        if held.coupon not in counted_coupons:
            one.refusals.append(Refusal(Reason.CUSTOMER_LIMIT, {"limit": coupons[held.coupon].most}))
        if held.pool_id in pools and held.pool_id not in counted_pools:
            one.refusals.append(Refusal(Reason.POOL_LIMIT, {"limit": pools[held.pool_id].most}))
    if not all(one.is_usable for one in judged):
        raise not_usable(judged)


def _one_more(counted: Counted | None, most: int | None) -> Counted:
    if counted is None:
        return Counted(1, most)
    limits = [limit for limit in (counted.most, most) if limit is not None]
    return Counted(counted.times + 1, min(limits, default=None))


def _held(one: Judged) -> Held:
    assert one.held is not None
    return one.held


def wrong_codes(judged: Iterable[Judged]) -> int:
    """How many of these codes do not exist; those of other members count, since asking about them is guessing, too."""
    guessed = {Reason.UNKNOWN, Reason.NOT_YOURS}
    return sum(any(refusal.reason in guessed for refusal in one.refusals) for one in judged)


def not_usable(judged: Iterable[Judged]) -> CodesNotUsable:
    """The refusal that says of each code that cannot be used why, in both languages."""
    judged = list(judged)
    return CodesNotUsable(
        wrong_codes(judged),
        codes=[
            {
                "code": one.code,
                "reasons": [
                    {"code": refusal.reason.value, "texts": {name: sentence(refusal, name) for name in LANGUAGES}}
                    for refusal in one.refusals
                ],
            }
            for one in judged
            if not one.is_usable
        ],
    )


async def redeem(
    tx: Transaction,
    checkout_id: UUID,
    *,
    at: datetime,
    customer_id: UUID | None = None,
    order_id: str | None = None,
    cause: Event[Any] | Cause | None = None,
) -> Sequence[Row[Any]]:
    """What was reserved is used for good. Raises UnknownCheckout, and CheckoutOver unless it is still reserved."""
    uses = await _uses(tx, checkout_id, customer_id)
    if any(use.state != "reserved" for use in uses):
        raise CheckoutOver(state=uses[0].state)
    if uses[0].until <= at:
        raise CheckoutOver(state="timed_out")
    await queries.redeem(tx, checkout_id, at=at, order_id=order_id)
    await clear_timers(tx, RELEASE, [str(checkout_id)])
    uses = await queries.uses_of(tx, [checkout_id])
    for use in uses:
        tx.publish(CouponRedeemed(**_told(use)), about=use.customer_id, time=at, cause=cause)
    return uses


async def roll_back(
    tx: Transaction,
    checkout_id: UUID,
    *,
    at: datetime,
    reason: str,
    customer_id: UUID | None = None,
    cause: Event[Any] | Cause | None = None,
) -> Sequence[Row[Any]]:
    """Give codes back that were reserved or used; `reason` is kept with the uses and not told of.

    Raises UnknownCheckout, and CheckoutOver for what ended already.
    """
    uses = await _uses(tx, checkout_id, customer_id)
    if any(use.state not in {"reserved", "redeemed"} for use in uses):
        raise CheckoutOver(state=uses[0].state)
    ends = {use.id: ("released" if use.state == "reserved" else "rolled_back", at) for use in uses}
    await queries.end(tx, ends, reason)
    await _give_back(tx, uses, await every_version(tx))
    await clear_timers(tx, RELEASE, [str(checkout_id)])
    for use in uses:
        if use.state == "redeemed":
            data = CouponRolledBack(**_told(use), reason=ROLLED_BACK)
            tx.publish(data, about=use.customer_id, time=at, cause=cause)
    return await queries.uses_of(tx, [checkout_id])


async def time_out(tx: Transaction, checkouts: Mapping[UUID, datetime], *, now: datetime) -> None:
    """Give back what is reserved no longer; by checkout the instant its timer was due."""
    uses = await queries.uses_of(tx, checkouts)
    due = [use for use in uses if use.state == "reserved" and use.until <= max(now, checkouts[use.checkout_id])]
    if due:
        await queries.end(tx, {use.id: ("timed_out", use.until) for use in due}, None)
        await _give_back(tx, due, await every_version(tx))


async def _uses(tx: Transaction, checkout_id: UUID, customer_id: UUID | None) -> Sequence[Row[Any]]:
    uses = await queries.uses_of(tx, [checkout_id], lock=True)
    if not uses or customer_id not in {None, uses[0].customer_id}:
        raise UnknownCheckout
    return uses


async def _give_back(tx: Transaction, uses: Iterable[Row[Any]], coupons: Versions) -> None:
    uses = list(uses)
    limited = [use.pool_id for use in uses if coupons[use.coupon, use.version].uses_per_pool is not None]
    await queries.give_back(
        tx,
        Counter(use.code_id for use in uses),
        Counter((use.customer_id, use.coupon) for use in uses),
        Counter(limited),
    )


def _told(use: Row[Any]) -> dict[str, Any]:
    """What every event of a use says."""
    return {
        "code_id": use.code_id,
        "coupon": use.coupon,
        "version": use.version,
        "use_id": use.id,
        "currency": use.currency,
        "goods_minor": use.goods_minor,
        "shipping_minor": use.shipping_minor,
        "gift_sku": use.gift_sku,
        "gift_quantity": use.gift_quantity,
        "order_id": use.order_id,
    }


async def refuse_guessing(tx: Transaction, caller: Caller, *, now: datetime) -> None:
    """Look at no code of a caller who guesses. Raises TooManyWrongCodes."""
    tries, began_at = await queries.wrong_codes(tx, caller.principal, now - guessing.STRETCH)
    seconds = guessing.seconds_to_wait(tries, began_at, now, kind=caller.kind)
    if seconds is not None:
        raise TooManyWrongCodes(retry_after_seconds=seconds)


async def count_guesses(db: Database, caller: Caller, wrong: int, *, now: datetime) -> None:
    """Remember codes that do not exist, in a transaction of its own: what was tried stays tried."""
    if wrong:
        async with db.transaction() as tx:
            since = now - guessing.STRETCH
            await queries.count_wrong_codes(tx, caller.principal, wrong, at=now, since=since)
