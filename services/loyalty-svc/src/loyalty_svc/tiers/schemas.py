"""What goes out over HTTP about a membership."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from loyalty_svc.ledger.posting import Balance
from loyalty_svc.ledger.tables import GROWTH
from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.usecases import ACCOUNT_TYPES, Membership


class AccountOut(BaseModel):
    """One account; totals are lifetime sums, `earned_total` gross of what was taken back."""

    type: str
    available: int = 0
    pending: int = 0
    reserved: int = 0
    earned_total: int = 0
    spent_total: int = 0
    expired_total: int = 0
    reversed_total: int = 0

    @classmethod
    def of(cls, type_: str, balance: Balance | None) -> "AccountOut":
        """Zeros for an account that was never opened."""
        if balance is None:
            return cls(type=type_)
        return cls(type=type_, **{name: getattr(balance, name) for name in cls.model_fields if name != "type"})


class NextTierOut(BaseModel):
    """The next tier up; `missing` is growth."""

    code: str
    name: str
    missing: int


class TierOut(BaseModel):
    """Where the customer stands; `since` is null before his first posting, `next` at the top."""

    code: str
    name: str
    since: datetime | None
    next: NextTierOut | None


class LoyaltyOut(BaseModel):
    """A customer's membership."""

    customer_id: UUID
    accounts: list[AccountOut]
    tier: TierOut

    @classmethod
    def of(cls, customer_id: UUID, membership: Membership, language: str) -> "LoyaltyOut":
        """In the reader's language."""
        plan, standing, accounts = membership.plan, membership.standing, membership.accounts
        growth = accounts[GROWTH].available if GROWTH in accounts else 0
        tier = (plan.tier_named(standing.tier) if standing else None) or plan.tier_for(growth)
        following = plan.next_after(growth)
        return cls(
            customer_id=customer_id,
            accounts=[AccountOut.of(type_, accounts.get(type_)) for type_ in ACCOUNT_TYPES],
            tier=TierOut(
                code=tier.code,
                name=tier.names[language],
                since=standing.since if standing else None,
                next=following
                and NextTierOut(code=following[0].code, name=following[0].names[language], missing=following[1]),
            ),
        )


class TierCountOut(BaseModel):
    """How many customers stand in a tier."""

    code: str
    name: str
    customers: int


class LoyaltySummaryOut(BaseModel):
    """All customers by tier, the lowest tier first; who never got anything stands in the lowest."""

    customers: int
    tiers: list[TierCountOut]

    @classmethod
    def of(cls, plan: TierPlan, customers: int, members: Mapping[str, int], language: str) -> "LoyaltySummaryOut":
        """In the reader's language."""
        elsewhere = sum(members.get(tier.code, 0) for tier in plan.tiers[1:])
        counts = [customers - elsewhere, *(members.get(tier.code, 0) for tier in plan.tiers[1:])]
        return cls(
            customers=customers,
            tiers=[
                TierCountOut(code=tier.code, name=tier.names[language], customers=count)
                for tier, count in zip(plan.tiers, counts, strict=True)
            ],
        )
