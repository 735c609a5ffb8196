"""Points and tiers."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from moat.contracts import clubs, honours, points, surprises, tasks
from moat.contracts.points import (
    GrantPoints,
    LoyaltyFact,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsExpiring,
    PointsMoved,
    PointsPending,
    PointsRefused,
    PointsReversed,
    PointsSpent,
)
from moat.kit.events import EventData

__all__ = (
    "GrantPoints",
    "LoyaltyFact",
    "PointsAdjusted",
    "PointsEarned",
    "PointsExpired",
    "PointsExpiring",
    "PointsMoved",
    "PointsPending",
    "PointsRefused",
    "PointsReversed",
    "PointsSpent",
)
"""Those of `points`, which is part of this topic."""


class MemberEnrolled(LoyaltyFact):
    """A customer got his first account."""

    TYPE = "moat.member.enrolled.v1"


class TierChanged(LoyaltyFact):
    """A tier became another; codes as the tier plan has them."""

    from_tier: str
    to_tier: str
    growth: int
    """The growth value that decided."""


class TierUpgraded(TierChanged):
    """Up."""

    TYPE = "moat.tier.upgraded.v1"


class TierDowngraded(TierChanged):
    """Down."""

    TYPE = "moat.tier.downgraded.v1"


class TierRetained(LoyaltyFact):
    """A tier was looked at and is kept."""

    TYPE = "moat.tier.retained.v1"
    tier: str
    growth: int
    """The value that decided."""
    valid_until: datetime | None = None


class TierDowngradeWarned(LoyaltyFact):
    """A tier will be lost at `falls_at`, unless `missing` is earned before."""

    TYPE = "moat.tier.downgrade_warned.v1"
    tier: str
    to_tier: str
    falls_at: datetime
    missing: int


class CouponFact(LoyaltyFact):
    """What every event of a coupon's code says; `version` is that of the coupon's document."""

    AGGREGATE_ID: ClassVar[str | None] = "code_id"
    code_id: UUID
    coupon: str
    version: int


class CouponIssued(CouponFact):
    """A customer was given a code that is his alone."""

    TYPE = "moat.coupon.issued.v1"
    code: str
    expires_at: datetime | None = None


class CouponRefused(LoyaltyFact):
    """A request for a code was refused; the request is the cause."""

    TYPE = "moat.coupon.refused.v1"
    coupon: str
    reason: str
    """`unknown_coupon` or `over`."""


class CouponUsed(CouponFact):
    """What every event of a use says: what it took off the goods and off the shipping, and what it put in."""

    use_id: UUID
    currency: str
    goods_minor: int
    shipping_minor: int
    gift_sku: str | None = None
    gift_quantity: int = 0
    order_id: str | None = None


class CouponRedeemed(CouponUsed):
    """A code was used for an order."""

    TYPE = "moat.coupon.redeemed.v1"


class CouponRolledBack(CouponUsed):
    """A use was undone and the code may be used again."""

    TYPE = "moat.coupon.rolled_back.v1"
    reason: str
    """A code."""


class IssueCoupon(EventData):
    """A request: give the customer a code of this coupon. Answered by CouponIssued or CouponRefused."""

    TYPE = "moat.loyalty.issue_coupon.v1"
    TOPIC: ClassVar[str] = "moat.loyalty.requests"
    coupon: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(max_length=200)] | None = None


class RewardFact(LoyaltyFact):
    """What every event of a redemption says; `points` were held, spent or given back."""

    AGGREGATE_ID: ClassVar[str | None] = "redemption_id"
    redemption_id: UUID
    reward: str
    version: int
    quantity: int
    points: int


class RewardReserved(RewardFact):
    """Stock and points are held until an instant."""

    TYPE = "moat.reward.reserved.v1"
    until: datetime


class RewardRedeemed(RewardFact):
    """The points were spent and the reward is the customer's."""

    TYPE = "moat.reward.redeemed.v1"


class RewardCancelled(RewardFact):
    """It was given up: `cancelled` or `timed_out` before points were spent, `refunded` after."""

    TYPE = "moat.reward.cancelled.v1"
    reason: str


class RewardFulfilled(RewardFact):
    """The customer has what he paid for."""

    TYPE = "moat.reward.fulfilled.v1"


class MilestoneReached(LoyaltyFact):
    """A birthday, an anniversary, the nth order or an amount gave its gift; `time` is when it was reached."""

    TYPE = "moat.milestone.reached.v1"
    milestone: str
    rule: str
    """`<code>@<version>` of the plan that decided; `milestone` is its code."""
    kind: str
    """`birthday`, `anniversary` or another occasion; `nth_order`, `amount_reached`."""
    period: str
    """The year it counts for, or `ever`: a plan gives once in each."""
    account_type: str | None = None
    points: int | None = None
    posting_id: UUID | None = None
    coupon: str | None = None
    """Where it gave a coupon and no points; `coupon.issued` has the code."""


class ReferralFact(LoyaltyFact):
    """What every event of a referral says; it is about the one who referred, except where it says otherwise."""

    referral_id: UUID
    friend_id: UUID
    rule: str
    """`<code>@<version>` of the programme."""


class ReferralCreated(ReferralFact):
    """A friend used a code and has until `expires_at` to buy."""

    TYPE = "moat.referral.created.v1"
    expires_at: datetime


class ReferralConverted(ReferralFact):
    """The friend bought; the rewards of both are held until `matures_at`, when he can return nothing any more."""

    TYPE = "moat.referral.converted.v1"
    order_uid: UUID
    order_id: str | None = None
    matures_at: datetime


class ReferralRewarded(ReferralFact):
    """One of the two got his reward; the event is about him."""

    TYPE = "moat.referral.rewarded.v1"
    role: str
    """`referrer` or `friend`."""
    account_type: str
    points: int
    posting_id: UUID


class ReferralRejected(ReferralFact):
    """It counts no more, or never did; rewards that were given are taken back.

    Two reasons are not the last word. Where the friend's order came back (`returned`), another that he pays in time may
    convert it; where none was known in time (`expired`), one that was paid in time may. `referral.converted` says so.
    """

    TYPE = "moat.referral.rejected.v1"
    reason: str
    stage: str
    """How far it had come: `claimed`, `converted`, `rewarded`; `refused` when the code was refused at once."""


EVENTS = (
    MemberEnrolled,
    *points.EVENTS,
    *tasks.EVENTS,
    *honours.EVENTS,
    *surprises.EVENTS,
    *clubs.EVENTS,
    TierUpgraded,
    TierDowngraded,
    TierRetained,
    TierDowngradeWarned,
    MilestoneReached,
    ReferralCreated,
    ReferralConverted,
    ReferralRewarded,
    ReferralRejected,
    CouponIssued,
    CouponRefused,
    CouponRedeemed,
    CouponRolledBack,
    IssueCoupon,
    RewardReserved,
    RewardRedeemed,
    RewardCancelled,
    RewardFulfilled,
)
