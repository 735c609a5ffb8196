"""The heart of what a member has come to by an instant: growth, spend and orders, added up as they happened. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any, Final, Self

from loyalty_svc.clubs.club import Value
from loyalty_svc.milestones.plans import Order

GROWTH: Final = "growth"


@dataclass(frozen=True, slots=True)
class Series:
    """Amounts by when they came about; `sums` are those of all until then."""

    at: Sequence[datetime] = ()
    sums: Sequence[int] = ()

    @classmethod
    def of(cls, amounts: Iterable[tuple[datetime, int]]) -> Self:
        """From amounts in any order."""
        ordered = sorted(amounts)
        return cls([at for at, _ in ordered], list(accumulate(amount for _, amount in ordered)))

    def between(self, after: datetime | None, until: datetime) -> int:
        """What came about after one instant (None: ever) and until another, that one included."""
        return self._until(until) - (0 if after is None else self._until(after))

    def _until(self, at: datetime) -> int:
        place = bisect_right(self.at, at)
        return self.sums[place - 1] if place else 0


@dataclass(frozen=True, slots=True)
class History:
    """What one member earned (by account type), spent (by currency), and how many orders count."""

    gained: Mapping[str, Series] = field(default_factory=dict)
    spent: Mapping[str, Series] = field(default_factory=dict)
    orders: Series = field(default_factory=Series)

    @classmethod
    def of(cls, gains: Mapping[str, Iterable[tuple[datetime, int]]], orders: Iterable[Order]) -> Self:
        """From gains by account type, and paid orders."""
        counted = [order for order in orders if order.counts]
        spent: dict[str, list[tuple[datetime, int]]] = {}
        for order in counted:
            spent.setdefault(order.currency, []).append((order.paid_at, order.kept_minor))
        return cls(
            {type_: Series.of(some) for type_, some in gains.items()},
            {currency: Series.of(some) for currency, some in spent.items()},
            Series.of((order.paid_at, 1) for order in counted),
        )

    def instants(self) -> list[datetime]:
        """When anything was added, ascending."""
        every = [*self.gained.values(), self.orders]
        return sorted({at for series in every for at in series.at})

    def reached(self, value: Value, after: datetime | None, until: datetime) -> bool:
        """Whether the value was reached by what came about between two instants, and its condition holds then."""
        if self._series(value).between(after, until) < value.at_least:
            return False
        return value.condition is None or value.condition.matches(self._row(value, until), now=until)

    def may_reach(self, value: Value) -> bool:
        """Whether everything together reaches it; if not, no part of it does."""
        series = self._series(value)
        return bool(series.sums) and series.sums[-1] >= value.at_least

    def _series(self, value: Value) -> Series:
        if value.of is None:
            return self.spent.get(value.currency, _NOTHING)
        return self.gained.get(value.of, _NOTHING)

    def _row(self, value: Value, at: datetime) -> dict[str, Any]:
        first = self.orders.at[0] if self.orders.at else at
        return {
            "growth": self.gained.get(GROWTH, _NOTHING).between(None, at),
            "spent_minor": self.spent.get(value.currency, _NOTHING).between(None, at),
            "orders": self.orders.between(None, at),
            "days_since_first_order": max((at - first).days, 0),
        }


_NOTHING: Final = Series()
