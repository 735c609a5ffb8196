"""What goes in and out over HTTP about tiers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loyalty_svc.ledger.posting import Balance
from loyalty_svc.tiers.evaluation import Benefit, TierPlan
from loyalty_svc.tiers.outlook import Goal, keep_in_words, next_in_words
from loyalty_svc.tiers.problems import UnknownTier
from loyalty_svc.tiers.usecases import ACCOUNT_TYPES, Membership, Prospect
from moat.kit.problems import FieldError, nearest


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
    """The next tier up; `missing` is of what the plan counts."""

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
        tier = (plan.tier_named(standing.tier) if standing else None) or plan.tier_for(membership.value)
        following = plan.next_above(tier, membership.value)
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


class BenefitOut(BaseModel):
    """What members of a tier have; `terms` are for the service that grants it."""

    code: str
    name: str
    terms: dict[str, Any]

    @classmethod
    def of(cls, benefit: Benefit, language: str) -> "BenefitOut":
        """In the reader's language."""
        return cls(code=benefit.code, name=benefit.names[language], terms=dict(benefit.terms))


class TierBenefitsOut(BaseModel):
    """A tier and its benefits."""

    tier: str
    name: str
    benefits: list[BenefitOut]


class BenefitsOut(BaseModel):
    """The benefits of a version of the plan, the lowest tier first."""

    plan_version: int
    tiers: list[TierBenefitsOut]

    @classmethod
    def of(cls, plan: TierPlan, wanted: str | None, language: str) -> "BenefitsOut":
        """Of all tiers or of one. Raises UnknownTier."""
        tiers = [tier for tier in plan.tiers if wanted in (None, tier.code)]
        if not tiers:
            hint = nearest(wanted, [tier.code for tier in plan.tiers])
            raise UnknownTier(errors=[FieldError("/tier", f"the published plan has no such tier{hint}")])
        return cls(
            plan_version=plan.version,
            tiers=[
                TierBenefitsOut(
                    tier=tier.code,
                    name=tier.names[language],
                    benefits=[BenefitOut.of(benefit, language) for benefit in tier.benefits],
                )
                for tier in tiers
            ],
        )


class GoalOut(BaseModel):
    """A tier, what has to be earned for it (0: nothing more), by when, and the same in words."""

    code: str
    name: str
    missing: int
    by: datetime | None
    text: str

    @classmethod
    def of(cls, goal: Goal, text: str, language: str) -> "GoalOut":
        """In the reader's language."""
        return cls(code=goal.tier.code, name=goal.tier.names[language], missing=goal.missing, by=goal.by, text=text)


class ProspectOut(BaseModel):
    """A customer's tier now, and what comes next.

    value: what the plan counts now. valid_until: until when the tier holds before it is looked at again; falls_at: when
    it will be lost if nothing more is earned, and to which. granted_until: of a tier given by hand. text: what is
    missing to the next tier, in words, or that there is none.
    """

    code: str
    name: str
    since: datetime | None
    plan_version: int
    value: int
    unit: str
    earned_code: str
    granted_until: datetime | None
    valid_until: datetime | None
    falls_at: datetime | None
    falls_to: str | None
    next: GoalOut | None
    keep: GoalOut | None
    text: str
    benefits: list[BenefitOut]

    @classmethod
    def of(cls, found: Prospect, language: str) -> "ProspectOut":
        """In the reader's language."""
        plan, member, judged, outlook = found.plan, found.member, found.judged, found.outlook
        tier = plan.tier_named(found.tier) or plan.base
        words = next_in_words(outlook.next, found.units, language)
        keep = None
        if outlook.keep is not None and outlook.falls_to is not None:
            told = keep_in_words(outlook.keep, outlook.falls_to, found.units, language)
            keep = GoalOut.of(outlook.keep, told, language)
        return cls(
            code=tier.code,
            name=tier.names[language],
            since=member.since if member else None,
            plan_version=plan.version,
            value=judged.value,
            unit=found.units[language],
            earned_code=plan.tiers[judged.place].code,
            granted_until=member.granted_until if member else None,
            valid_until=judged.valid_until,
            falls_at=judged.falls_at,
            falls_to=outlook.falls_to.code if outlook.falls_to else None,
            next=GoalOut.of(outlook.next, words, language) if outlook.next else None,
            keep=keep,
            text=words,
            benefits=[BenefitOut.of(benefit, language) for benefit in tier.benefits],
        )


Reason = Annotated[str, Field(min_length=3, max_length=500)]


class GrantIn(BaseModel):
    """A tier given by hand."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"tier": "gold", "until": "2027-06-30T16:00:00Z", "reason": "guest of honour"}]
        },
    )

    tier: Annotated[str, Field(min_length=1, max_length=64)]
    until: AwareDatetime
    reason: Reason


class EndIn(BaseModel):
    """Why it is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "given by mistake"}]})

    reason: Reason


class GrantOut(BaseModel):
    """A tier given by hand, and how it ended, if it did."""

    id: UUID
    customer_id: UUID
    tier: str
    granted_at: datetime
    until: datetime
    reason: str
    granted_by: str
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, row: Any) -> "GrantOut":
        """From a row."""
        facts = {name: getattr(row, name) for name in cls.model_fields if name != "allowed_actions"}
        return cls(**facts, allowed_actions=["end"] if row.ended_at is None else [])


class JudgingOut(BaseModel):
    """How far judging everybody by a version of the plan has come. moved: those whose tier became another."""

    plan_version: int
    members: int
    judged: int
    moved: int
    started_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> "JudgingOut":
        """From a row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})
