"""The heart of referrals: whether a code may be used, and what a referral has come to. Pure.

What a referral has come to follows from the friend's orders as they are known and from the time, so orders, refunds and
timers in any order end in the same. Whoever is refused for who he is stays refused; what was too late or was returned
may still be undone by a fact that comes late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_svc.referrals.programme import ReferralProgramme


class Status(StrEnum):
    """How far a referral has come."""

    CLAIMED = "claimed"
    CONVERTED = "converted"
    REWARDED = "rewarded"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a referral counts no more, or never did."""

    SELF = "self"
    SAME_PERSON = "same_person"
    RING = "ring"
    ALREADY_REFERRED = "already_referred"
    KNOWN_BEFORE = "known_before"
    VELOCITY = "velocity"
    LIMIT = "limit"
    EXPIRED = "expired"
    RETURNED = "returned"


REVISABLE: Final = frozenset({Reason.EXPIRED, Reason.RETURNED})
"""Reasons that a late fact may undo."""


class Claim(NamedTuple):
    """What is known when a friend uses a code. `recent` and `ever` are the friends whom the referrer brought before."""

    is_self: bool
    is_same_person: bool
    closes_ring: bool
    is_referred: bool
    has_ordered: bool
    known_for: timedelta
    recent: int
    ever: int


class Refund(NamedTuple):
    """Money that went back, in the currency of its order."""

    at: datetime
    amount_minor: int


class Order(NamedTuple):
    """A paid order of the friend, with its refunds; order_id, event_id: None where it earned nothing."""

    paid_at: datetime
    order_uid: UUID
    order_id: str | None
    event_id: str | None
    currency: str
    total_minor: int
    refunds: tuple[Refund, ...] = ()

    def kept_minor(self, until: datetime) -> int:
        """What was kept of it at an instant."""
        return max(0, self.total_minor - sum(one.amount_minor for one in self.refunds if one.at <= until))


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral as it stands; what `order` sets is None until the friend has bought."""

    id: UUID
    referrer_id: UUID
    friend_id: UUID
    rule: str
    claimed_at: datetime
    expires_at: datetime
    status: Status
    reason: Reason | None = None
    order_uid: UUID | None = None
    order_id: str | None = None
    event_id: str | None = None
    matures_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether no order can change it any more."""
        return self.status is Status.REJECTED and self.reason not in REVISABLE


class Verdict(NamedTuple):
    """What a referral has come to; `at` is when that happened in the world."""

    status: Status
    at: datetime
    reason: Reason | None = None
    order: Order | None = None
    matures_at: datetime | None = None


def refusal(claim: Claim, terms: ReferralProgramme) -> Reason | None:
    """Why a code may not be used, the plainest reason first; None if it may."""
    reasons = (
        (claim.is_self, Reason.SELF),
        (claim.is_same_person, Reason.SAME_PERSON),
        (claim.closes_ring, Reason.RING),
        (claim.is_referred, Reason.ALREADY_REFERRED),
        (claim.has_ordered or is_too_old(claim.known_for, terms), Reason.KNOWN_BEFORE),
        (claim.recent >= terms.friends_max, Reason.VELOCITY),
        (terms.friends_ever is not None and claim.ever >= terms.friends_ever, Reason.LIMIT),
    )
    return next((reason for refused, reason in reasons if refused), None)


def is_too_old(known_for: timedelta, terms: ReferralProgramme) -> bool:
    """Whether somebody who was known for so long when he used a code was no new friend."""
    return known_for > timedelta(days=terms.known_days)


def judge(
    referral: Referral,
    terms: ReferralProgramme,
    orders: Iterable[Order],
    *,
    now: datetime,
    is_same_person: bool = False,
) -> Verdict:
    """What a referral has come to by now, with all orders of the friend that are known.

    is_same_person: whether the two share an identifier; that is a suspicion, so it holds back and takes nothing away.
    """
    ordered = sorted(orders)
    if referral.referrer_id == referral.friend_id:
        return Verdict(Status.REJECTED, now, Reason.SELF)
    if is_same_person and referral.status is not Status.REWARDED:
        return Verdict(Status.REJECTED, now, Reason.SAME_PERSON)
    if ordered and ordered[0].paid_at < referral.claimed_at:
        return Verdict(Status.REJECTED, now, Reason.KNOWN_BEFORE)
    wanted = [order for order in ordered if order.paid_at < referral.expires_at and _is_enough(order, terms)]
    for order in wanted:
        matures_at = order.paid_at + timedelta(days=terms.return_days)
        if order.kept_minor(matures_at) >= terms.order_least_minor[order.currency]:
            if matures_at <= now:
                return Verdict(Status.REWARDED, matures_at, None, order, matures_at)
            return Verdict(Status.CONVERTED, order.paid_at, None, order, matures_at)
    if now < referral.expires_at:
        return Verdict(Status.CLAIMED, referral.claimed_at)
    if wanted:
        return Verdict(Status.REJECTED, _last_return(wanted, referral.expires_at), Reason.RETURNED)
    return Verdict(Status.REJECTED, referral.expires_at, Reason.EXPIRED)


def due_at(verdict: Verdict, referral: Referral) -> datetime | None:
    """When it has to be looked at again although nothing happens; None for never."""
    if verdict.status is Status.CLAIMED:
        return referral.expires_at
    return verdict.matures_at if verdict.status is Status.CONVERTED else None


def first_of(referrals: Sequence[Referral]) -> Referral:
    """Of referrals of one friend, who was several before, the one that counts: the first that is not settled."""
    return min(referrals, key=lambda one: (one.is_settled, one.claimed_at, one.id))


def closing(ring: Sequence[Referral]) -> Referral | None:
    """Of the referrals that make a ring, the one that closed it; None where they make none, or one is refused already.

    Who brought himself makes no ring: that has a reason of its own.
    """
    if len(ring) < 2 or any(one.is_settled for one in ring):
        return None
    return max(ring, key=lambda one: (one.claimed_at, one.id))


def _is_enough(order: Order, terms: ReferralProgramme) -> bool:
    least = terms.order_least_minor.get(order.currency)
    return least is not None and order.total_minor >= least


def _last_return(orders: Sequence[Order], expires_at: datetime) -> datetime:
    return max([expires_at, *(refund.at for order in orders for refund in order.refunds)])
