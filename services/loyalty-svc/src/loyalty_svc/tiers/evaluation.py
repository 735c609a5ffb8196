"""The heart of tiers: what a plan is, which tier a value is in, since when, and what is missing to the next.

Under a plan over a lifetime a tier follows growth at once, up and down; `walking` has the other plans. `since` is a
fact about the world, not about when Moat learned of it: the instant at which growth, added up in the order things
happened, last entered the tier it is in now.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from loyalty_svc.tiers.spans import FALLS_AT_ONCE, LIFETIME, Calendar, Fall, Lifetime, Rolling


class Benefit(NamedTuple):
    """What members of a tier have; `terms` are for the service that grants it (`{"times": 1.5}`), not for this one."""

    code: str
    names: Mapping[str, str]
    terms: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a plan; `names` by language (zh-CN, en)."""

    code: str
    names: Mapping[str, str]
    from_value: int
    benefits: tuple[Benefit, ...] = ()


@dataclass(frozen=True)
class TierPlan:
    """The steps of one published version, ascending; the first begins at 0. over: the account type that is counted."""

    version: int
    tiers: tuple[Tier, ...]
    over: str = "growth"
    span: Lifetime | Rolling | Calendar = LIFETIME
    fall: Fall = FALLS_AT_ONCE

    def __post_init__(self) -> None:
        floors = self._floors
        if not floors or floors[0] != 0 or any(low >= high for low, high in pairwise(floors)):
            raise ValueError(f"tiers must begin at 0 and ascend, not {floors}")

    @cached_property
    def tier_names(self) -> Mapping[str, Mapping[str, str]]:
        """What each tier is called, by code and language."""
        return {tier.code: tier.names for tier in self.tiers}

    @cached_property
    def _floors(self) -> list[int]:
        return [tier.from_value for tier in self.tiers]

    @property
    def is_for_life(self) -> bool:
        """Whether the balance alone decides, so that time changes nothing."""
        return isinstance(self.span, Lifetime)

    @property
    def base(self) -> Tier:
        """Where every member begins."""
        return self.tiers[0]

    def place_for(self, growth: int) -> int:
        """The place, from 0, of the highest tier that `growth` reaches; the first for anything below it."""
        return max(bisect_right(self._floors, growth) - 1, 0)

    def place_of(self, code: str | None) -> int:
        """The place of the tier with this code; -1, below all others, when this version has none."""
        return next((place for place, tier in enumerate(self.tiers) if tier.code == code), -1)

    def tier_for(self, growth: int) -> Tier:
        """The highest tier that `growth` reaches; the first for anything below it."""
        return self.tiers[self.place_for(growth)]

    def tier_named(self, code: str) -> Tier | None:
        """The tier with this code, None when this version has none."""
        return next((tier for tier in self.tiers if tier.code == code), None)

    def next_after(self, growth: int) -> tuple[Tier, int] | None:
        """The next tier up and the growth that is missing to it (> 0); None at the top."""
        place = max(bisect_right(self._floors, growth), 1)
        return None if place == len(self.tiers) else (self.tiers[place], self._floors[place] - growth)

    def next_above(self, tier: Tier, value: int) -> tuple[Tier, int] | None:
        """The tier above the one that a member has, and what is missing to it (>= 0); None at the top."""
        place = self.place_of(tier.code) + 1
        return None if place == len(self.tiers) else (self.tiers[place], max(self._floors[place] - value, 0))

    def rises_at(self, reached_at: datetime) -> datetime | None:
        """When a tier begins that is reached at an instant, if that is not at once: when its period has ended."""
        span = self.span
        return span.begins(reached_at, 1) if isinstance(span, Calendar) and span.is_at_end else None


class Move(NamedTuple):
    """Growth moved: at an instant of the world, to a value."""

    at: datetime
    growth: int


@dataclass(slots=True)
class Standing:
    """Where a member stands, by which version of the plan, and whether a tier was given to him by hand.

    granted_until, earned_tier: when that ends, and where he stands then.
    """

    tier: str
    since: datetime
    enrolled_at: datetime
    plan_version: int = field(default=0, compare=False)
    is_granted: bool = field(default=False, compare=False)
    granted_until: datetime | None = field(default=None, compare=False)
    earned_tier: str | None = field(default=None, compare=False)

    def tier_at(self, at: datetime) -> str:
        """His tier at an instant: what was given by hand ends in time, though the timer that takes it may be late."""
        is_over = self.granted_until is not None and self.granted_until <= at
        return self.earned_tier if is_over and self.earned_tier is not None else self.tier

    def copy(self) -> "Standing":
        """Another that may be moved."""
        return Standing(self.tier, self.since, self.enrolled_at)

    def follows_alone(self, plan: TierPlan) -> bool:
        """Whether a move of growth alone tells where he stands after it."""
        return not self.is_granted and self.plan_version == plan.version


class Change(NamedTuple):
    """A tier became another, because of the move at `position`; `time` is the latest instant among its causes."""

    position: int
    from_tier: str
    to_tier: str
    is_up: bool
    growth: int
    time: datetime


class Followed(NamedTuple):
    """What a run of moves came to. With `is_since_exact` False, `since` has to be asked of the whole history."""

    standing: Standing
    changes: list[Change]
    is_since_exact: bool


def follow(
    plan: TierPlan,
    standing: Standing | None,
    moves: Iterable[Move],
    *,
    last_at: datetime | None,
    has_only_risen: bool,
) -> Followed:
    """Follow growth through `moves`, in the order they were learned of.

    standing is None for a new member; last_at is the latest instant before these moves, None if there was none;
    has_only_risen says that nothing was ever taken back, these moves included. A move that happened before others that
    are known may shift `since`; where that cannot be told from the move alone, the history has to say.
    """
    changes: list[Change] = []
    is_exact = True
    for position, (at, growth) in enumerate(moves):
        if standing is None:
            standing = Standing(plan.base.code, at, at)
        after = plan.tier_for(growth)
        is_change = after.code != standing.tier
        is_latest = last_at is None or at > last_at
        if not is_latest and not (has_only_risen and _is_told_by_move(plan, standing, at, last_at, is_change)):
            is_exact = False
        if is_change:
            before = plan.tier_named(standing.tier)
            is_up = before is None or after.from_value > before.from_value
            time = at if last_at is None else max(at, last_at)
            changes.append(Change(position, standing.tier, after.code, is_up, growth, time))
            standing.tier, standing.since = after.code, at
        elif standing.tier == plan.base.code and has_only_risen:
            standing.since = min(standing.since, at)
        standing.enrolled_at = min(standing.enrolled_at, at)
        last_at = at if last_at is None else max(at, last_at)
    if standing is None:
        raise ValueError("there is nothing to follow")
    return Followed(standing, changes, is_exact)


def _is_told_by_move(
    plan: TierPlan, standing: Standing, at: datetime, last_at: datetime | None, is_change: bool
) -> bool:
    """Whether a move that is not the latest still tells `since`, for growth that has only risen.

    At the latest instant itself growth arrives where it is now. A move after the tier was entered leaves that alone.
    The base tier was entered by the earliest move of all.
    """
    return at == last_at or (not is_change and (at >= standing.since or standing.tier == plan.base.code))


def since(plan: TierPlan, history: Iterable[tuple[datetime, int]]) -> datetime:
    """When growth last entered the tier that it is in at the end.

    history: what growth gained or lost at each instant of the world, ascending, one row an instant, at least one.
    """
    growth = 0
    tier: str = plan.base.code
    entered_at: datetime | None = None
    for at, amount in history:
        growth += amount
        after = plan.tier_for(growth).code
        if entered_at is None or after != tier:
            tier, entered_at = after, at
    if entered_at is None:
        raise ValueError("a member without a history")
    return entered_at
