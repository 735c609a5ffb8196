"""What checkouts do inside the transaction they are given: points and coupons step aside, and settle, as one.

Rows are locked in one order: the checkout, its hold and the account, then coupons, as everything that pays with points
does; so no two wait for each other in a circle.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.checkout import queries
from loyalty_svc.checkout.checkout import Checkout
from loyalty_svc.checkout.payment import PAYMENTS, Payment, Reason, Refusal
from loyalty_svc.checkout.problems import PointsNotUsable, TermsTaken, UnknownCheckout
from loyalty_svc.checkout.quoting import Order, judged, must_be_whole_steps, payment_by, taken_off
from loyalty_svc.checkout.wording import sentences
from loyalty_svc.coupon_uses import queries as uses
from loyalty_svc.coupon_uses import usecases as coupon_uses
from loyalty_svc.holds import usecases as holds
from loyalty_svc.holds.problems import HoldClosed
from loyalty_svc.ledger.posting import Cause
from moat.customers.follow import lock_customer
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, published
from moat.kit.ids import uuid7

Uses = list[Row[Any]]
REASON = "checkout"


async def reserve(
    tx: Transaction, customer_id: UUID, order: Order, *, until: datetime, order_id: str | None, now: datetime
) -> Checkout:
    """Put points and codes aside for a basket until an instant, all or nothing. The customer is locked.

    Raises CodesNotUsable, PointsNotUsable, InsufficientPoints, UnknownAccountType, NotSpendable; Invalid for points
    that are no whole steps.
    """
    basket = await coupon_uses.with_tier(tx, customer_id, order.basket)
    codes = await judged(tx, order.codes, customer_id, basket)
    if not all(one.is_usable for one in codes):
        raise coupon_uses.not_usable(codes)
    goods_off, shipping_off = taken_off(codes)
    checkout_id, hold_id, payment = uuid7(), None, None
    if order.points:
        payment = await _payment(tx, order, basket.total_minor - goods_off, now=now)
        cause = Cause(checkout_id, REASON, str(checkout_id), order_id)
        held = await holds.hold(
            tx, customer_id, order.account_type, order.points, until=until, cause=cause, reason=REASON, now=now
        )
        hold_id = held.id
    if order.codes:
        # Judged again with the codes locked: all of them or none, so what they take off is what was thought.
        _, codes = await coupon_uses.reserve(
            tx, order.codes, customer_id, basket, until=until, order_id=order_id, checkout_id=checkout_id
        )
        goods_off, shipping_off = taken_off(codes)
    made = Checkout(
        checkout_id,
        customer_id,
        hold_id,
        now,
        until,
        None,
        goods_minor=basket.total_minor,
        shipping_minor=basket.shipping_minor,
        goods_off_minor=goods_off,
        shipping_off_minor=shipping_off,
        points=order.points,
        points_minor=payment.worth_minor(order.points) if payment else 0,
        codes=len(codes),
        state="reserved",
        currency=basket.currency,
        account_type=payment.account_type if payment else None,
        payment=payment.name if payment else None,
        order_id=order_id,
    )
    await queries.insert(tx, made)
    return made


async def _payment(tx: Transaction, order: Order, goods_minor: int, *, now: datetime) -> Payment:
    currency = order.basket.currency
    payment = await payment_by(tx, order.account_type, currency, at=now)
    if payment is None:
        raise _not_usable(Refusal(Reason.NOT_ACCEPTED), currency, {})
    must_be_whole_steps(order.points, payment)
    refusal = payment.refuses(order.points, goods_minor)
    if refusal is not None:
        raise _not_usable(refusal, currency, (await account_types(tx)).at(order.account_type, now).units)
    return payment


def _not_usable(refusal: Refusal, currency: str, units: Mapping[str, str]) -> PointsNotUsable:
    texts = sentences(refusal, currency=currency, units=units)
    return PointsNotUsable(reason=refusal.reason.value, texts=texts, **dict(refusal.facts))


async def confirm(tx: Transaction, checkout_id: UUID, *, order_id: str | None, now: datetime) -> Checkout:
    """The customer has paid: the points are spent and the codes used. Raises UnknownCheckout, CheckoutClosed.

    HoldClosed or CheckoutOver where somebody has ended one of the parts by its own door.
    """
    confirmed = (await _locked(tx, checkout_id)).confirmed(now, order_id)
    if confirmed.hold_id is not None:
        await holds.confirm(tx, confirmed.hold_id, now=now)
    if confirmed.codes:
        await coupon_uses.redeem(tx, checkout_id, at=now, order_id=order_id)
    await queries.resolve(tx, confirmed)
    return confirmed


async def cancel(tx: Transaction, checkout_id: UUID, *, reason: str, now: datetime) -> Checkout:
    """The customer has turned back: points and codes are his again; a second time changes nothing.

    Raises UnknownCheckout, CheckoutClosed once it is confirmed. What somebody has ended by its own door stays ended.
    """
    found = await _locked(tx, checkout_id)
    cancelled = found.cancelled(now)
    if cancelled is found:
        return found
    if cancelled.hold_id is not None:
        with suppress(HoldClosed):
            await holds.release(tx, cancelled.hold_id, now=now)
    if cancelled.codes:
        rows = await uses.uses_of(tx, [checkout_id], lock=True)
        if all(row.state == "reserved" for row in rows):
            await coupon_uses.roll_back(tx, checkout_id, at=now, reason=reason)
    await queries.resolve(tx, cancelled)
    return cancelled


async def read(tx: Transaction, checkout_id: UUID) -> Checkout:
    """A checkout. Raises UnknownCheckout."""
    found = await queries.one(tx, checkout_id)
    if found is None:
        raise UnknownCheckout
    return found


async def uses_by_checkout(tx: Transaction, checkouts: list[Checkout]) -> dict[UUID, Uses]:
    """The coupon uses of each of these that has some."""
    ids = [one.id for one in checkouts if one.codes]
    found: dict[UUID, Uses] = {}
    for row in await uses.uses_of(tx, ids) if ids else []:
        found.setdefault(row.checkout_id, []).append(row)
    return found


async def check_terms(tx: Transaction, terms: Published[Payment], now: datetime) -> None:
    """Raises TermsTaken where others are for the same points and currency; UnknownAccountType, NotSpendable."""
    own = terms.value
    types = await account_types(tx)
    types.must_be_offered(own.account_type)
    types.must_be_spendable(own.account_type)
    for code, other in (await published(tx, PAYMENTS)).items():
        value = other.value
        if code != own.code and (value.account_type, value.currency) == (own.account_type, own.currency):
            raise TermsTaken(by=code)


async def _locked(tx: Transaction, checkout_id: UUID) -> Checkout:
    """Hold merges off, then lock the checkout as it is now."""
    await lock_customer(tx, (await read(tx, checkout_id)).customer_id)
    found = await queries.one(tx, checkout_id, lock=True)
    assert found is not None
    return found
