"""Points and tiers."""

from typing import ClassVar
from uuid import UUID

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


EVENTS = (MemberEnrolled, PointsEarned, PointsReversed, TierUpgraded, TierDowngraded)
