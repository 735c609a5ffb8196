"""The heart of what is kept of a member: what he earned, what was granted on top, and what is to be told of it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.tiers.evaluation import TierPlan, since
from loyalty_svc.tiers.spans import Gains
from loyalty_svc.tiers.walking import Judged, judge


class Member(NamedTuple):
    """A member's row. earned_tier and earned_since: where he stands without what was granted, if anything was.

    retained_at: when the tier was confirmed last; warned_for: the fall he was warned of; next_at: when his timer falls
    due; judged_at: the instant that was judged at.
    """

    customer_id: UUID
    enrolled_at: datetime
    since: datetime
    plan_version: int
    tier: str
    event_id: str
    earned_tier: str | None = None
    earned_since: datetime | None = None
    granted_tier: str | None = None
    granted_at: datetime | None = None
    granted_until: datetime | None = None
    retained_at: datetime | None = None
    warned_for: datetime | None = None
    next_at: datetime | None = None
    judged_at: datetime | None = None


class Settled(NamedTuple):
    """What judging a member came to. is_retained, warns: whether that is news."""

    before: Member | None
    after: Member
    judged: Judged
    is_retained: bool
    warns: bool


def judge_history(plan: TierPlan, history: Gains, at: datetime) -> Judged:
    """Where a member stands. history: gains, or for a plan over a lifetime whatever moved the balance, ascending."""
    if not plan.is_for_life:
        return judge(plan, history, at)
    value = sum(amount for _, amount in history)
    return Judged(plan.place_for(value), since(plan, history) if history else None, value)


def settle(
    plan: TierPlan, before: Member | None, new: Member, history: Gains, *, at: datetime, event_id: str
) -> Settled:
    """Judge a member at an instant. new: his row as it begins, where there is none."""
    was = before or new
    at = max([at, *([was.judged_at] if was.judged_at else []), *([history[-1][0]] if history else [])])
    judged = judge_history(plan, history, at)
    earned, earned_since = plan.tiers[judged.place].code, judged.since or was.enrolled_at
    is_granted = was.granted_until is not None and at < was.granted_until and plan.place_of(was.granted_tier) >= 0
    tier, begins = earned, earned_since
    if is_granted and plan.place_of(was.granted_tier) > judged.place:
        assert was.granted_tier is not None
        assert was.granted_at is not None
        tier = was.granted_tier
        begins = was.since if before is not None and before.tier == tier else max(was.granted_at, earned_since)
    warn_at = _warn_at(plan, judged, tier)
    warns = warn_at is not None and warn_at <= at and was.warned_for != judged.falls_at
    coming = [judged.next_at, was.granted_until if is_granted else None, None if warns else warn_at]
    is_news = judged.retained_at is not None and (was.retained_at is None or judged.retained_at > was.retained_at)
    after = was._replace(
        enrolled_at=min(was.enrolled_at, new.enrolled_at),
        since=begins,
        plan_version=plan.version,
        tier=tier,
        event_id=event_id,
        earned_tier=earned if is_granted else None,
        earned_since=earned_since if is_granted else None,
        granted_tier=was.granted_tier if is_granted else None,
        granted_at=was.granted_at if is_granted else None,
        granted_until=was.granted_until if is_granted else None,
        retained_at=judged.retained_at,
        warned_for=judged.falls_at if warns else was.warned_for,
        next_at=min((instant for instant in coming if instant is not None and instant > at), default=None),
        judged_at=None if plan.is_for_life and not is_granted else at,
    )
    is_retained = before is not None and is_news and tier == before.tier == earned
    return Settled(before, after, judged, is_retained, warns)


def _warn_at(plan: TierPlan, judged: Judged, tier: str) -> datetime | None:
    """When he is to be warned; None for a fall that a granted tier hides."""
    is_hidden = plan.place_of(tier) > judged.place
    if plan.fall.warn is None or judged.falls_at is None or is_hidden:
        return None
    return judged.falls_at - plan.fall.warn
