"""Codes that were asked for, what became of that, and what the other services are told of it."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from loyalty_svc.coupons.coupon import Coupon
from moat.contracts.loyalty import CouponIssued, CouponRefused
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause, Event


class Wish(NamedTuple):
    """One code for one customer, asked for by `key`: the same key is granted once. `time` is when its cause was."""

    customer_id: UUID
    coupon: str
    key: str
    time: datetime
    cause: Event[Any] | Cause | None = None


class Issued(NamedTuple):
    """A code that was given. `is_new` is False when the key had been granted before."""

    code_id: UUID
    code: str
    coupon: Coupon
    expires_at: datetime | None
    is_new: bool


class Refused(NamedTuple):
    """A wish that was not granted: `unknown_coupon`, or `over` when a code of it could not be used any more."""

    reason: Literal["unknown_coupon", "over"]


def announce(tx: Transaction, wish: Wish, issued: Issued) -> None:
    """The customer has a code."""
    data = CouponIssued(
        code_id=issued.code_id,
        code=issued.code,
        coupon=issued.coupon.code,
        version=issued.coupon.version,
        expires_at=issued.expires_at,
    )
    tx.publish(data, about=wish.customer_id, time=wish.time, cause=wish.cause)


def announce_refusal(tx: Transaction, wish: Wish, refused: Refused) -> None:
    """He does not get one."""
    data = CouponRefused(coupon=wish.coupon, reason=refused.reason)
    tx.publish(data, about=wish.customer_id, time=wish.time, cause=wish.cause)
