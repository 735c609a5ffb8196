"""Points and tiers."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from moat.kit.events import EventData


class LoyaltyFact(EventData):
    """What every event of a membership shares; the member is `about`."""

    TOPIC: ClassVar[str] = "moat.loyalty"


class MemberEnrolled(LoyaltyFact):
    """A customer got his first account."""

    TYPE = "moat.member.enrolled.v1"


class PointsMoved(LoyaltyFact):
    """What every posting says. `amount` is positive; the type says which way it went."""

    posting_id: UUID
    account_type: str
    amount: int
    balance_after: int
    order_uid: UUID | None = None
    order_id: str | None = None
    rule: str | None = None
    """`<code>@<version>` of the rule that decided."""


class PointsEarned(PointsMoved):
    """Points were credited."""

    TYPE = "moat.points.earned.v1"


class PointsReversed(PointsMoved):
    """Points were taken back because their reason fell away."""

    TYPE = "moat.points.reversed.v1"


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


EVENTS = (
    MemberEnrolled,
    PointsEarned,
    PointsReversed,
    TierUpgraded,
    TierDowngraded,
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
