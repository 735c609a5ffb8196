"""What a basket comes to for one member, with nothing put aside: coupons, points, what it would earn, the next tier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.checkout import queries
from loyalty_svc.checkout.foreseeing import Foreseen, foresee
from loyalty_svc.checkout.payment import PAYMENTS, Payment, Reason, Refusal
from loyalty_svc.coupon_uses import queries as uses
from loyalty_svc.coupon_uses import usecases as coupon_uses
from loyalty_svc.coupon_uses.judging import Judged, judge
from loyalty_svc.coupons.basket import Basket
from loyalty_svc.coupons.usecases import every_version
from loyalty_svc.tiers import usecases as tiers
from loyalty_svc.tiers.usecases import Membership
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published
from moat.kit.problems import FieldError, Invalid

WALLET_MAX: Final = 50
"""So many of a member's own codes are looked at."""


class Order(NamedTuple):
    """A basket with the codes that were typed for it and the points (0: none) that shall pay for it."""

    basket: Basket
    codes: Sequence[str]
    account_type: str
    points: int
    order_source: str = ""


class PointsOffer(NamedTuple):
    """What points can do here: `usable` of those available; `asked` of them (0: none) take `asked_minor` off.

    Whoever asked for more than he can use has a refusal, and nothing is taken off.
    """

    payment: Payment | None
    available: int
    usable: int
    asked: int
    asked_minor: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket comes to. chosen: the codes typed, judged together; wallet: the member's others, each alone.

    wallet_left_out: how many more he has that were not looked at.
    """

    customer_id: UUID
    order: Order
    chosen: Sequence[Judged]
    wallet: Sequence[Judged]
    wallet_left_out: int
    points: PointsOffer
    foreseen: Foreseen
    membership: Membership
    types: AccountTypes
    to_pay_minor: int
    rises_at: datetime | None
    """When a tier begins that this order reaches, if the plan makes it wait for the end of the period."""


async def quote(
    tx: Transaction, customer_id: UUID, order: Order, *, now: datetime, tells_of_others: bool = True
) -> Quote:
    """Judge a basket for a member. Raises Invalid for points that are no whole steps."""
    membership = await tiers.membership(tx, customer_id, now=now)
    basket = replace(order.basket, tier=membership.tier_at(now), tier_names=membership.plan.tier_names)
    chosen = await judged(tx, order.codes, customer_id, basket, tells_of_others=tells_of_others)
    wallet, left_out = await _wallet(tx, customer_id, basket, {one.code for one in chosen}, now=now)
    goods_off, shipping_off = taken_off(chosen)
    points = await _points(tx, customer_id, order, basket.total_minor - goods_off, now=now)
    to_pay = basket.total_minor + basket.shipping_minor - goods_off - shipping_off - points.asked_minor
    foreseen = await foresee(tx, basket, to_pay, customer_id, order_source=order.order_source, at=now)
    types = await account_types(tx)
    order = order._replace(basket=basket)
    rises_at = membership.plan.rises_at(now)
    return Quote(customer_id, order, chosen, wallet, left_out, points, foreseen, membership, types, to_pay, rises_at)


async def judged(
    tx: Transaction, typed: Sequence[str], customer_id: UUID, basket: Basket, *, tells_of_others: bool = True
) -> list[Judged]:
    """The codes that were typed, judged together; none were typed often."""
    if not typed:
        return []
    return await coupon_uses.validate(tx, typed, customer_id, basket, tells_of_others=tells_of_others)


def taken_off(judged: Sequence[Judged]) -> tuple[int, int]:
    """What the usable ones take off the goods and off the shipping, in minor units."""
    worths = [one.worth for one in judged if one.worth is not None]
    return sum(worth.goods_minor for worth in worths), sum(worth.shipping_minor for worth in worths)


async def payment_by(tx: Transaction, account_type: str, currency: str, *, at: datetime) -> Payment | None:
    """The terms by which points of a type pay in a currency now."""
    terms = [one.value for one in (await published(tx, PAYMENTS, at=at)).values()]
    return next((one for one in terms if (one.account_type, one.currency) == (account_type, currency)), None)


def must_be_whole_steps(points: int, payment: Payment) -> None:
    """Raises Invalid naming the field."""
    if points % payment.step_points:
        raise Invalid(errors=[FieldError("/points", f"is not a multiple of {payment.step_points}")])


async def _wallet(
    tx: Transaction, customer_id: UUID, basket: Basket, chosen: set[str], *, now: datetime
) -> tuple[list[Judged], int]:
    """The member's own codes but for those chosen, each as if it were the only one; and how many were left out."""
    codes, left_out = await queries.wallet(tx, customer_id, but=chosen, now=now, limit=WALLET_MAX)
    if not codes:
        return [], 0
    held = await uses.held(tx, codes, customer_id)
    coupons = await every_version(tx)
    basket = await coupon_uses.with_discounts(tx, customer_id, basket, held.values(), coupons)
    return [one for code in codes for one in judge([code], held, coupons, basket, customer_id)], left_out


async def _points(tx: Transaction, customer_id: UUID, order: Order, goods_minor: int, *, now: datetime) -> PointsOffer:
    available = await queries.spendable(tx, customer_id, order.account_type, now=now)
    payment = await payment_by(tx, order.account_type, order.basket.currency, at=now)
    if payment is None:
        return PointsOffer(None, available, 0, order.points, 0, Refusal(Reason.NOT_ACCEPTED))
    must_be_whole_steps(order.points, payment)
    usable, refusal = payment.usable(available, goods_minor)
    if order.points > usable and refusal is None:
        refusal = Refusal(Reason.TOO_MANY, {"most": usable, "requested": order.points})
    elif order.points and refusal is None:
        refusal = payment.refuses(order.points, goods_minor)
    asked_minor = payment.worth_minor(order.points) if refusal is None else 0
    return PointsOffer(payment, available, usable, order.points, asked_minor, refusal)
