"""Points that move: given, waiting, spent, expiring, taken back, corrected; and the request for some."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from moat.kit.events import EventData


class LoyaltyFact(EventData):
    """What every event of a membership shares; the member is `about`."""

    TOPIC: ClassVar[str] = "moat.loyalty"


class PointsMoved(LoyaltyFact):
    """What every posting says. `amount` is positive; the type says which way it went.

    What one event gave, or took back, in one account is told of once, by however many postings: `amount` is their sum,
    `posting_id` and `balance_after` are those of the last.
    """

    posting_id: UUID
    account_type: str
    amount: int
    balance_after: int
    order_uid: UUID | None = None
    order_id: str | None = None
    rule: str | None = None
    """`<code>@<version>` of the rule that decided; null where several did."""


class PointsEarned(PointsMoved):
    """Points were credited."""

    TYPE = "moat.points.earned.v1"
    rules: dict[str, int] = Field(default_factory=dict)
    """Points by each rule that gave some; empty where none did, and where what was pending came of age."""


class PointsReversed(PointsMoved):
    """Points were taken back because their reason fell away."""

    TYPE = "moat.points.reversed.v1"


class PointsMovedFor(PointsMoved):
    """A posting that says its reason, as `reward.redeemed`."""

    reason: str


class PointsPending(PointsMovedFor):
    """Points were given that cannot be spent yet; PointsEarned of the same posting follows when they can."""

    TYPE = "moat.points.pending.v1"
    available_at: datetime


class PointsSpent(PointsMovedFor):
    """Points were spent."""

    TYPE = "moat.points.spent.v1"


class PointsExpired(PointsMovedFor):
    """Points that nobody spent in time are gone; `time` is when they expired."""

    TYPE = "moat.points.expired.v1"


class PointsAdjusted(PointsMovedFor):
    """The ledger was corrected by hand, a debt was written off, or what had expired came back to life."""

    TYPE = "moat.points.adjusted.v1"
    direction: Literal["given", "taken"]


class PointsExpiring(LoyaltyFact):
    """Points expire soon unless they are spent: all of one account that expire on one day; told once."""

    TYPE = "moat.points.expiring.v1"
    account_type: str
    amount: int
    expires_on: date
    """A civil day in Asia/Shanghai."""
    expires_at: datetime
    """The first of them."""


class PointsRefused(LoyaltyFact):
    """A request for points was refused; the request is the cause."""

    TYPE = "moat.points.refused.v1"
    account_type: str
    amount: int
    reason: str
    """`unknown_account_type` or `not_spendable`."""


class GrantPoints(EventData):
    """A request: give the customer points. Answered by PointsEarned or PointsRefused."""

    TYPE = "moat.loyalty.grant_points.v1"
    TOPIC: ClassVar[str] = "moat.loyalty.requests"
    account_type: Annotated[str, Field(min_length=1, max_length=64)] = "points"
    points: Annotated[int, Field(ge=1, le=10**12)]
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
    """A code, as `survey.answered`."""


EVENTS = (
    PointsEarned,
    PointsReversed,
    PointsPending,
    PointsSpent,
    PointsExpired,
    PointsAdjusted,
    PointsExpiring,
    PointsRefused,
    GrantPoints,
)
