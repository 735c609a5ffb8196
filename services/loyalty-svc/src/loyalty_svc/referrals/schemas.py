"""Referrals over HTTP."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.coupons.codes import TYPED_CHARACTERS_MAX, shown
from loyalty_svc.referrals.judging import Reason, Referral, Status
from loyalty_svc.referrals.programme import Language, Programme
from loyalty_svc.referrals.wording import sentence

StatusName = Literal["claimed", "converted", "rewarded", "rejected"]


class ClaimIn(BaseModel):
    """The code a friend was given, in any case, with or without spaces and hyphens."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=TYPED_CHARACTERS_MAX, examples=["K7QM-4TXA"])]


class RewardOut(BaseModel):
    """Points of one account type."""

    account_type: str
    points: int


class TermsOut(BaseModel):
    """What the programme promises now; `name` in the reader's language."""

    rule: str
    name: str
    attribution_days: int
    return_days: int
    referrer: RewardOut
    friend: RewardOut | None


class ReferralCodeOut(BaseModel):
    """A member's own code, as it is printed, and where it leads."""

    customer_id: UUID
    code: str
    link: str | None
    programme: TermsOut

    @classmethod
    def of(cls, customer_id: UUID, code: str, programme: Programme, language: Language) -> Self:
        """In the reader's language."""
        terms = programme.terms
        return cls(
            customer_id=customer_id,
            code=shown(code),
            link=programme.link_of(code),
            programme=TermsOut(
                rule=programme.rule,
                name=programme.names[language],
                attribution_days=terms.attribution_days,
                return_days=terms.return_days,
                referrer=RewardOut(account_type=terms.referrer.account_type, points=terms.referrer.points),
                friend=terms.friend and RewardOut(account_type=terms.friend.account_type, points=terms.friend.points),
            ),
        )


class ReferralOut(BaseModel):
    """One referral. `matures_at` is until when the rewards are held; `reason` and its text say why it was refused.

    The ids of member and friend are shown to staff only.
    """

    id: UUID
    referrer_id: UUID | None
    friend_id: UUID | None
    status: StatusName
    reason: str | None
    reason_text: str | None
    claimed_at: datetime
    expires_at: datetime
    matures_at: datetime | None
    rule: str

    @classmethod
    def of(cls, one: Referral, language: Language, *, shows_ids: bool) -> Self:
        """In the reader's language."""
        return cls(
            id=one.id,
            referrer_id=one.referrer_id if shows_ids else None,
            friend_id=one.friend_id if shows_ids else None,
            status=Status(one.status).value,
            reason=one.reason and Reason(one.reason).value,
            reason_text=one.reason and sentence(one.reason, language),
            claimed_at=one.claimed_at,
            expires_at=one.expires_at,
            matures_at=one.matures_at,
            rule=one.rule,
        )
