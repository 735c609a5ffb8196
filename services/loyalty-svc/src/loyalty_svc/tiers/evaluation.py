"""The heart of tiers: which tier a growth value is in, since when, and what is missing to the next.

A tier follows growth at once, up and down. `since` is a fact about the world, not about when Moat learned of it: the
instant at which growth, added up in the order things happened, last entered the tier it is in now.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a plan; `names` by language (zh-CN, en)."""

    code: str
    names: Mapping[str, str]
    from_growth: int


@dataclass(frozen=True)
class TierPlan:
    """The steps of one published version, ascending; the first begins at 0."""

    version: int
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        floors = self._floors
        if not floors or floors[0] != 0 or any(low >= high for low, high in pairwise(floors)):
            raise ValueError(f"tiers must begin at 0 and ascend, not {floors}")

    @cached_property
    def _floors(self) -> list[int]:
        return [tier.from_growth for tier in self.tiers]

    @property
    def base(self) -> Tier:
        """Where every member begins."""
        return self.tiers[0]

    def tier_for(self, growth: int) -> Tier:
        """The highest tier that `growth` reaches; the first for anything below it."""
        return self.tiers[max(bisect_right(self._floors, growth) - 1, 0)]

    def tier_named(self, code: str) -> Tier | None:
        """The tier with this code, None when this version has none."""
        return next((tier for tier in self.tiers if tier.code == code), None)

    def next_after(self, growth: int) -> tuple[Tier, int] | None:
        """The next tier up and the growth that is missing to it (> 0); None at the top."""
        place = max(bisect_right(self._floors, growth), 1)
        return None if place == len(self.tiers) else (self.tiers[place], self._floors[place] - growth)


class Move(NamedTuple):
    """Growth moved: at an instant of the world, to a value."""

    at: datetime
    growth: int


@dataclass(slots=True)
class Standing:
    """Where a member stands."""

    tier: str
    since: datetime
    enrolled_at: datetime

    def copy(self) -> "Standing":
        """Another that may be moved."""
        return Standing(self.tier, self.since, self.enrolled_at)


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
            is_up = before is None or after.from_growth > before.from_growth
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
