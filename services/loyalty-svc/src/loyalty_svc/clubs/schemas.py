"""Clubs over HTTP, in the reader's language."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.clubs.club import Club
from loyalty_svc.clubs.stays import Stay, Way
from loyalty_svc.clubs.wording import STATUS
from loyalty_svc.tiers.evaluation import Benefit, Tier
from loyalty_svc.tiers.schemas import BenefitOut
from moat.kit.instants import Instant

Status = Literal["none", "invited", "active", "grace", "lapsed", "left", "removed"]
Short = Annotated[str, Field(min_length=1, max_length=200)]
ClubCode = Annotated[str, Field(min_length=1, max_length=64, examples=["reading-circle"])]


class InviteIn(BaseModel):
    """An invitation, open until an instant or for as long as nobody withdraws it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"club": "reading-circle", "until": "2027-01-31T15:59:59Z"}]},
    )

    club: ClubCode
    until: Instant | None = None


class ReasonIn(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "a year of good ideas"}]})

    reason: Short


class NothingIn(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


class InvitationOut(BaseModel):
    """An invitation; `state` is `expired` once its time is over."""

    id: UUID
    customer_id: UUID
    club: str
    state: Literal["open", "accepted", "declined", "withdrawn", "expired"]
    made_at: datetime
    until: datetime | None
    decided_at: datetime | None
    allowed_actions: list[Literal["accept", "decline", "withdraw"]]

    @classmethod
    def of(cls, row: Any, now: datetime, *, is_member: bool) -> Self:
        """From a row of `invitations`; `is_member`: who reads is the customer himself."""
        is_over = row.state == "open" and row.until is not None and row.until <= now
        state = "expired" if is_over else row.state
        actions = [] if state != "open" else ["accept", "decline"] if is_member else ["accept", "decline", "withdraw"]
        return cls.model_validate({**row._mapping, "state": state, "allowed_actions": actions})


class MembershipOut(BaseModel):
    """How one customer stands to one club. `since` of the stay that runs, or ran last; `ends_at` null is for ever.

    From `ends_at` to `lapses_at` the benefits go on (`grace`), and paying renews without a gap.
    """

    club: str
    name: str
    about: str | None
    status: Status
    status_text: str
    since: datetime | None
    way: Way | None
    rule: str | None
    ends_at: datetime | None
    lapses_at: datetime | None
    ended_at: datetime | None
    benefits: list[BenefitOut]
    allowed_actions: list[Literal["accept", "leave"]]

    @classmethod
    def of(cls, club: Club, stay: Stay | None, invited: Collection[str], now: datetime, language: str) -> Self:
        """From a club, the stay in it, and the clubs that he is invited to."""
        status = _status(stay, club.code in invited, now)
        is_member = status in {"active", "grace"}
        actions = (["accept"] if club.code in invited else []) + (["leave"] if is_member else [])
        return cls(
            club=club.code,
            name=club.names[language],
            about=club.about[language] if club.about else None,
            status=status,
            status_text=STATUS[status][language],
            since=stay.joined_at if stay else None,
            way=stay.way if stay else None,
            rule=stay.rule if stay else None,
            ends_at=stay.ends_at if stay else None,
            lapses_at=stay.lapses_at if stay else None,
            ended_at=_ended_at(stay, now),
            benefits=[BenefitOut.of(benefit, language) for benefit in club.benefits],
            allowed_actions=actions,
        )


def _status(stay: Stay | None, is_invited: bool, now: datetime) -> Status:
    if stay is not None and stay.is_member(now):
        return "grace" if stay.ends_at is not None and stay.ends_at <= now else "active"
    if is_invited:
        return "invited"
    if stay is None:
        return "none"
    return stay.ended_by or "lapsed"


def _ended_at(stay: Stay | None, now: datetime) -> datetime | None:
    if stay is None or stay.is_member(now):
        return None
    return stay.ended_at or stay.lapses_at


class MemberOut(BaseModel):
    """A member of a club, as staff list them."""

    customer_id: UUID
    status: Status
    since: datetime
    way: Way
    rule: str
    ends_at: datetime | None
    lapses_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, customer_id: UUID, stay: Stay, now: datetime) -> Self:
        """From a stay."""
        return cls(
            customer_id=customer_id,
            status=_status(stay, False, now),
            since=stay.joined_at,
            way=stay.way,
            rule=stay.rule,
            ends_at=stay.ends_at,
            lapses_at=stay.lapses_at,
            ended_at=_ended_at(stay, now),
        )


class FactOut(BaseModel):
    """One reason of a membership. `terms`: that it gives, less those whose pieces came back.

    `is_undone`: it counts no more, as its order or all its pieces were given back, or by a merge. `reason` is what
    staff wrote, for staff.
    """

    id: UUID
    at: datetime
    noted_at: datetime
    kind: Literal["accepted", "paid", "renewed", "left", "removed"]
    terms: int
    rule: str | None
    reason: str | None
    order_id: str | None
    is_undone: bool

    @classmethod
    def of(cls, row: Any, *, is_member: bool) -> Self:
        """From a row of `queries.facts_of`; `is_member`: who reads is the customer himself."""
        return cls.model_validate({**row._mapping, "reason": None if is_member else row.reason})


class ClubBenefitsOut(BaseModel):
    """What a member of a club has on top of his tier, until `until` (null: for ever)."""

    club: str
    name: str
    until: datetime | None
    benefits: list[BenefitOut]


class BenefitsOut(BaseModel):
    """Everything that a customer has now, for the services that grant it: of his tier, and of each of his clubs."""

    customer_id: UUID
    tier: str
    tier_benefits: list[BenefitOut]
    clubs: list[ClubBenefitsOut]

    @classmethod
    def of(
        cls,
        customer_id: UUID,
        tier: Tier,
        clubs: Sequence[Club],
        stays: Mapping[str, Stay],
        language: str,
    ) -> Self:
        """From his tier and the clubs that he is a member of."""
        return cls(
            customer_id=customer_id,
            tier=tier.code,
            tier_benefits=_benefits(tier.benefits, language),
            clubs=[
                ClubBenefitsOut(
                    club=club.code,
                    name=club.names[language],
                    until=stays[club.code].lapses_at,
                    benefits=_benefits(club.benefits, language),
                )
                for club in clubs
            ],
        )


def _benefits(benefits: Sequence[Benefit], language: str) -> list[BenefitOut]:
    return [BenefitOut.of(benefit, language) for benefit in benefits]
