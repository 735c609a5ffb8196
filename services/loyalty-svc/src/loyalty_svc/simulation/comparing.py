"""The heart of comparing: what two runs over the same facts gave, to whom, when, and who is better off with the draft.

Both runs are the hearts that judge every day; one by what is published, one with the draft in its place. A customer
wins who gets more with the draft, and loses who gets less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import heappush, heappushpop
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_svc.accounts.types import Cost

PUBLISHED: Final = 0
DRAFT: Final = 1
KEPT_MAX: Final = 10_000
"""So many customers are kept of a simulation: those whom the draft changes most."""
TOP: Final = 20
Measure = Literal["points", "completions", "tiers"]
"""What makes somebody better off."""


class Outcome(NamedTuple):
    """One customer: what he gets by either run; his tier today, and by a draft of the tier plan."""

    customer_id: UUID
    published: int
    draft: int
    tier: str
    to_tier: str | None = None

    @property
    def difference(self) -> int:
        """Above 0 for a winner."""
        return self.draft - self.published


@dataclass(slots=True)
class Tally:
    """What both runs gave, by customer and by week. names: what was given (account types, say), in columns of two."""

    names: list[str] = field(default_factory=list)
    customers: dict[UUID, list[int]] = field(default_factory=dict)
    weeks: dict[date, list[int]] = field(default_factory=dict)

    def add(self, run: int, customer_id: UUID, week: date, name: str, amount: int) -> None:
        """A run gave so much, or took it back."""
        if name not in self.names:
            self.names.append(name)
        column = 2 * self.names.index(name) + run
        for row in (self.customers.setdefault(customer_id, []), self.weeks.setdefault(week, [])):
            if len(row) <= column:
                row.extend([0] * (column + 1 - len(row)))
            row[column] += amount

    def of(self, row: Sequence[int], names: Iterable[str]) -> tuple[int, int]:
        """(published, draft) of a row, over these names."""
        found = [0, 0]
        for name in names:
            first = 2 * self.names.index(name)
            for run in (PUBLISHED, DRAFT):
                found[run] += row[first + run] if first + run < len(row) else 0
        return found[PUBLISHED], found[DRAFT]

    def total(self, name: str) -> tuple[int, int]:
        """(published, draft) of everybody."""
        rows = [self.of(row, [name]) for row in self.weeks.values()]
        return sum(row[PUBLISHED] for row in rows), sum(row[DRAFT] for row in rows)

    def pair(self, name: str) -> dict[str, int]:
        """The same as JSON, zeros for what was never given."""
        published, draft = self.total(name) if name in self.names else (0, 0)
        return {"published": published, "draft": draft}

    def by_week(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Each week in which something was given, the first of them first."""
        rows = [(week, self.of(row, names)) for week, row in sorted(self.weeks.items())]
        return [
            {"week_of": week.isoformat(), "published": published, "draft": draft} for week, (published, draft) in rows
        ]


@dataclass(slots=True)
class _OfTier:
    customers: int = 0
    winners: int = 0
    losers: int = 0
    published: int = 0
    draft: int = 0

    def take(self, one: Outcome) -> None:
        self.customers += 1
        self.winners += one.difference > 0
        self.losers += one.difference < 0
        self.published += one.published
        self.draft += one.draft

    def told(self) -> dict[str, int]:
        return {
            "customers": self.customers,
            "winners": self.winners,
            "losers": self.losers,
            "published": self.published,
            "draft": self.draft,
        }


@dataclass(slots=True)
class Comparison:
    """All outcomes, added up as they come; only those with the largest differences are kept."""

    everybody: _OfTier = field(default_factory=_OfTier)
    tiers: dict[str, _OfTier] = field(default_factory=dict)
    moves: dict[tuple[str, str], int] = field(default_factory=dict)
    _largest: list[tuple[int, int, Outcome]] = field(default_factory=list)

    def take(self, one: Outcome) -> None:
        """Add one customer."""
        self.everybody.take(one)
        self.tiers.setdefault(one.tier, _OfTier()).take(one)
        if one.to_tier is not None:
            move = (one.tier, one.to_tier)
            self.moves[move] = self.moves.get(move, 0) + 1
        if one.difference:
            entry = (abs(one.difference), -one.customer_id.int, one)
            (heappush if len(self._largest) < KEPT_MAX else heappushpop)(self._largest, entry)

    def kept(self) -> list[Outcome]:
        """Those whom the draft changes most, the most first."""
        return [one for _, _, one in sorted(self._largest, reverse=True)]

    def result(self, order: Mapping[str, int]) -> dict[str, Any]:
        """All of it as JSON; tiers in this order."""
        everybody = self.everybody.told()
        unchanged = everybody["customers"] - everybody["winners"] - everybody["losers"]
        by_tier = sorted(self.tiers.items(), key=lambda one: (order.get(one[0], len(order)), one[0]))
        return {
            **everybody,
            "unchanged": unchanged,
            "by_tier": [{"tier": tier, **one.told()} for tier, one in by_tier],
            "moves": [
                {"from_tier": from_tier, "to_tier": to_tier, "members": members}
                for (from_tier, to_tier), members in sorted(self.moves.items())
                if from_tier != to_tier
            ],
            "top": [
                {
                    "customer_id": str(one.customer_id),
                    "published": one.published,
                    "draft": one.draft,
                    "tier": one.tier,
                    "to_tier": one.to_tier,
                }
                for one in self.kept()[:TOP]
            ],
        }


def account(name: str, points: tuple[int, int], cost: Cost | None) -> dict[str, Any]:
    """What was given of an account type, and what it costs, rounded up; null where it has no unit cost."""
    return {
        "account_type": name,
        "published": points[PUBLISHED],
        "draft": points[DRAFT],
        "currency": cost.currency if cost else None,
        "published_cost_minor": cost_minor(points[PUBLISHED], cost),
        "draft_cost_minor": cost_minor(points[DRAFT], cost),
    }


def cost_minor(points: int, cost: Cost | None) -> int | None:
    """What points cost when they are spent, in minor units, rounded up."""
    return None if cost is None else -(-points * cost.minor_per_thousand // 1000)


def week_of(at: datetime, zone: ZoneInfo) -> date:
    """The Monday of the civil week that holds an instant."""
    return _monday(at.astimezone(zone).date())


@lru_cache(maxsize=4096)
def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
