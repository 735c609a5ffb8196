"""The heart of rewards: who may have one, what it costs, and the way of a redemption from the shelf to the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from loyalty_svc.discounts.share import DISCOUNT_SHARE, FIELD, asks
from moat.kit.money import Money
from moat.rules import Catalogue, Condition, Instant, Number, Text

Kind = Literal["good", "coupon", "service", "gift", "donation"]
State = Literal["reserved", "redeemed", "sent", "fulfilled", "cancelled", "timed_out", "refunded"]
NEXT: Final[Mapping[State, frozenset[State]]] = {
    "reserved": frozenset({"redeemed", "cancelled", "timed_out"}),
    "redeemed": frozenset({"sent", "fulfilled", "refunded"}),
    "sent": frozenset({"fulfilled", "refunded"}),
    "fulfilled": frozenset({"refunded"}),
    "cancelled": frozenset(),
    "timed_out": frozenset(),
    "refunded": frozenset(),
}
STANDS: Final = frozenset({"reserved", "redeemed", "sent", "fulfilled"})
"""What takes a piece from the shelf and counts against a customer's limit."""
AT_ONCE: Final = frozenset({"coupon", "donation"})
"""Kinds that the customer has the moment he has paid."""
ACTIONS: Final[Mapping[State, str]] = {
    "redeemed": "confirm",
    "sent": "send",
    "fulfilled": "fulfil",
    "cancelled": "cancel",
    "refunded": "refund",
}

MEMBER: Final = Catalogue(
    {
        "tier": Text(),
        "points": Number(whole=True),
        "growth": Number(whole=True),
        "enrolled_at": Instant(),
        "days_a_member": Number(whole=True),
        FIELD: DISCOUNT_SHARE,
    }
)
"""What a reward may ask about a member; `points` are those he can spend, days a member are whole ones;
`discount_share` is how many percent of his orders of the last year were bought with a coupon, null without orders."""


class CustomerLimit(NamedTuple):
    """So many pieces for one customer, ever or within the last `days`."""

    times: int
    days: int | None = None

    def since(self, now: datetime) -> datetime | None:
        """From when pieces count; None is ever."""
        return None if self.days is None else now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Reward:
    """One version of a reward, compiled. `stock` is how many pieces there ever were; None is any number."""

    code: str
    version: int
    kind: Kind
    names: Mapping[str, str]
    about: Mapping[str, str] | None
    points: int
    account_type: str
    money: Money | None
    condition: Condition
    stock: int | None = None
    per_customer: CustomerLimit | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    coupon: str | None = None
    sku: str | None = None

    @property
    def asks_about_members(self) -> bool:
        """Whether not everybody may have it."""
        return bool(self.condition.tree.rules)

    @property
    def asks_about_discounts(self) -> bool:
        """Whether it asks how much a member depends on discounts."""
        return asks(self.condition)


@dataclass(frozen=True, slots=True)
class Member:
    """Who asks for a reward, as he stands now."""

    tier: str | None
    growth: int
    points: Mapping[str, int] = field(default_factory=dict)
    """What he can spend, by account type."""
    enrolled_at: datetime | None = None
    discount_share: int | None = None
    tier_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What tiers are called, by code and language, for what is said to him."""

    def row(self, now: datetime) -> dict[str, Any]:
        """As conditions see him."""
        return {
            "tier": self.tier,
            "points": self.points.get("points", 0),
            "growth": self.growth,
            "enrolled_at": self.enrolled_at,
            "days_a_member": max((now - self.enrolled_at).days, 0) if self.enrolled_at else 0,
            FIELD: self.discount_share,
        }


class Reason(StrEnum):
    """Why a reward is not to be had."""

    NOT_BEGUN = "not_begun"
    OVER = "over"
    SOLD_OUT = "sold_out"
    CUSTOMER_LIMIT = "customer_limit"
    CONDITION = "condition"
    POINTS = "points"


class Refusal(NamedTuple):
    """One reason with the facts that its sentence needs."""

    reason: Reason
    facts: Mapping[str, Any] = {}


def refusals(
    reward: Reward, member: Member | None, *, quantity: int, taken: int, had: int, now: datetime
) -> list[Refusal]:
    """Every reason against it. taken: pieces gone from the shelf; had: those that count against his limit.

    Without a member neither condition nor points are looked at.
    """
    found: list[Refusal] = []
    if reward.starts_at is not None and now < reward.starts_at:
        found.append(Refusal(Reason.NOT_BEGUN, {"starts_at": reward.starts_at}))
    if reward.ends_at is not None and reward.ends_at <= now:
        found.append(Refusal(Reason.OVER, {"ends_at": reward.ends_at}))
    if reward.stock is not None and taken + quantity > reward.stock:
        found.append(Refusal(Reason.SOLD_OUT, {"left": max(reward.stock - taken, 0)}))
    limit = reward.per_customer
    if limit is not None and had + quantity > limit.times:
        found.append(Refusal(Reason.CUSTOMER_LIMIT, {"times": limit.times, "days": limit.days}))
    return found if member is None else found + _about(reward, member, quantity, now)


def _about(reward: Reward, member: Member, quantity: int, now: datetime) -> list[Refusal]:
    """What speaks against the member himself."""
    found: list[Refusal] = []
    row = member.row(now)
    if not reward.condition.matches(row, now=now):
        because = reward.condition.explain(row, now=now).because
        found.append(Refusal(Reason.CONDITION, {"because": because, "tiers": member.tier_names}))
    missing = reward.points * quantity - member.points.get(reward.account_type, 0)
    if missing > 0:
        found.append(Refusal(Reason.POINTS, {"missing": missing, "account_type": reward.account_type}))
    return found


def hand_out(left: int, wanted: Sequence[int]) -> list[Refusal | None]:
    """Pieces to those who came first, in that order: who wants more than are left by then is refused."""
    refused: list[Refusal | None] = []
    for pieces in wanted:
        if pieces <= left:
            left -= pieces
            refused.append(None)
        else:
            refused.append(Refusal(Reason.SOLD_OUT, {"left": max(left, 0)}))
    return refused


def may(state: State, to: State) -> bool:
    """Whether a redemption may go from one state to another."""
    return to in NEXT[state]


def allowed_actions(state: State) -> Sequence[str]:
    """What may be done next, as the routes call it."""
    return sorted(ACTIONS[to] for to in NEXT[state] if to in ACTIONS)
