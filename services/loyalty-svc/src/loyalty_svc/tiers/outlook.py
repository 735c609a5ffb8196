"""The heart of "what is missing": to the next tier, and to keep this one, in numbers and in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from loyalty_svc.tiers.evaluation import Tier, TierPlan
from loyalty_svc.tiers.spans import ZONE, Calendar, Gains
from loyalty_svc.tiers.walking import Judged, Values


class Goal(NamedTuple):
    """A tier, what has to be earned to have or to keep it (0: nothing more), and by when, if that matters."""

    tier: Tier
    missing: int
    by: datetime | None


class Outlook(NamedTuple):
    """What a member may reach, what he needs to keep what he has, and what he falls to otherwise."""

    next: Goal | None
    keep: Goal | None
    falls_to: Tier | None


_NEXT: Final = {
    "zh-CN": "还差 {missing} {unit}即可升级为{tier}{by}",
    "en": "{missing} more {unit} to {tier}{by}",
}
_NEXT_WAITS: Final = {"zh-CN": "已达到{tier}，将于 {day} 升级", "en": "{tier} is reached and begins on {day}"}
_KEEP: Final = {
    "zh-CN": "再获得 {missing} {unit}即可保留{tier}{by}，否则将降为{falls_to}",
    "en": "{missing} more {unit} to keep {tier}{by}, otherwise it becomes {falls_to}",
}
_BY: Final = {"zh-CN": "（须在 {day} 前）", "en": " (before {day})"}
_TOP: Final = {"zh-CN": "已是最高等级", "en": "This is the highest tier"}


def look_ahead(plan: TierPlan, tier: str, judged: Judged, gains: Gains, at: datetime) -> Outlook:
    """What is missing for a member who stands in `tier`, be it earned or granted."""
    place = max(plan.place_of(tier), judged.place)
    following = None
    if place + 1 < len(plan.tiers):
        above = plan.tiers[place + 1]
        by = plan.span.begins(at, 1) if isinstance(plan.span, Calendar) else None
        following = Goal(above, max(above.from_value - judged.value, 0), by)
    if judged.falls_at is None or judged.falls_to is None:
        return Outlook(following, None, None)
    return Outlook(following, to_keep(plan, judged, gains, at), plan.tiers[judged.falls_to])


def to_keep(plan: TierPlan, judged: Judged, gains: Gains, at: datetime) -> Goal:
    """What has to be earned, and by when, so that a foretold fall does not come."""
    assert judged.falls_at is not None
    tier, span, by = plan.tiers[judged.place], plan.span, judged.falls_at
    if not isinstance(span, Calendar):
        counts = Values(plan, gains).at(by)
    elif judged.valid_until is None or judged.valid_until <= at:
        counts = judged.value
    else:
        by = judged.valid_until
        counts = judged.value if span.begins(at, 1) == by else 0
    return Goal(tier, max(tier.from_value - counts, 1), by)


def next_in_words(goal: Goal | None, units: Mapping[str, str], language: str) -> str:
    """What is missing to the next tier."""
    if goal is None:
        return _TOP[language]
    name = goal.tier.names[language]
    if goal.missing == 0 and goal.by is not None:
        return _NEXT_WAITS[language].format(tier=name, day=_day(goal.by))
    by = _BY[language].format(day=_day(goal.by)) if goal.by else ""
    return _NEXT[language].format(missing=goal.missing, unit=units[language], tier=name, by=by)


def keep_in_words(goal: Goal, falls_to: Tier, units: Mapping[str, str], language: str) -> str:
    """What is missing to keep the tier."""
    by = _BY[language].format(day=_day(goal.by)) if goal.by else ""
    return _KEEP[language].format(
        missing=goal.missing,
        unit=units[language],
        tier=goal.tier.names[language],
        by=by,
        falls_to=falls_to.names[language],
    )


def _day(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d")
