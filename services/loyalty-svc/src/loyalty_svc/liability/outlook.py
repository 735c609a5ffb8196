"""The heart of liability: what outstanding points will cost, and how many of them will never be spent.

Expected breakage, the method: of all points that left accounts in the two years before, by being spent or by expiring,
the share that expired; so many of the points that can expire are expected to. Points that never expire break none.
Breakage rounds down and cost rounds up, cell by cell, so that sums are sums of what is shown and neither flatters.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from loyalty_svc.accounts.types import Cost
from moat.kit.problems import FieldError, Invalid

K = TypeVar("K")

METHOD: Final = "share_of_expired"
METHOD_TEXTS: Final[Mapping[str, str]] = {
    "zh-CN": "过去两年离开账户（被使用或过期）的积分中过期的比例，乘以会过期的未使用积分；没有历史时不估计",
    "en": "Of the points that left accounts in the past two years, spent or expired, the share that expired; applied "
    "to outstanding points that can expire. Nothing is expected without a history",
}
LOOKS_BACK: Final = timedelta(days=730)
YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2999


class Cell(NamedTuple):
    """Outstanding points (> 0) of one tier that expire in one month; `pending` of them cannot be spent yet.

    month: its first day in the programme's zone, the last in which they can be spent; None for points without an end.
    """

    account_type: str
    tier: str
    month: date | None
    points: int
    pending: int


class Sums(NamedTuple):
    """What cells come to."""

    points: int = 0
    pending: int = 0
    expected_breakage: int = 0
    cost_minor: int = 0
    expected_cost_minor: int = 0

    def __add__(self, other: object) -> "Sums":
        if not isinstance(other, Sums):
            return NotImplemented
        return Sums(*(own + others for own, others in zip(self, other, strict=True)))


class Breakage(NamedTuple):
    """What left accounts in the time looked back on."""

    expired: int
    spent: int

    @property
    def basis_points(self) -> int | None:
        """The share that expired in 1/10,000, rounded down; None where nothing left."""
        return self.expired * 10_000 // (self.expired + self.spent) if self.expired + self.spent > 0 else None

    def expected_of(self, points: int) -> int:
        """How many of so many points that can expire will, rounded down."""
        left = self.expired + self.spent
        return points * self.expired // left if left > 0 else 0


class Moved(NamedTuple):
    """What happened to one account type in a period; each in points that accounts gained, losses negative.

    opening and closing are sums of all entries before the period and up to its end; ledger is the sum of all entries,
    accounts what all balances come to, lots what is left in the lots less what members owe (None without lots).
    """

    opening: int = 0
    earned: int = 0
    reversed: int = 0
    spent: int = 0
    expired: int = 0
    adjusted: int = 0
    written_off: int = 0
    closing: int = 0
    ledger: int = 0
    accounts: int = 0
    lots: int | None = None

    @property
    def ties(self) -> bool:
        """Whether it adds up to the point, and balances and lots say what the entries say."""
        moved = self.earned + self.reversed + self.spent + self.expired + self.adjusted + self.written_off
        return (
            self.opening + moved == self.closing and self.ledger == self.accounts and self.lots in {None, self.accounts}
        )


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in the programme's zone, both ends included."""

    first: date
    last: date

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the midnight that begins it to the one that ends it."""
        ends = self.last + timedelta(days=1)
        return datetime.combine(self.first, time(), zone), datetime.combine(ends, time(), zone)


def period_of(first: date | None, last: date | None, *, today: date) -> Period:
    """From the month's first day until today, unless others are said. Raises Invalid for days that make no period."""
    last = last or today
    first = first or last.replace(day=1)
    if first > last:
        raise Invalid(errors=[FieldError("#/query/from", "is after `to`")])
    for name, day in (("to", last), ("from", first)):
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            raise Invalid(errors=[FieldError(f"#/query/{name}", f"is not in the years {YEAR_MIN} to {YEAR_MAX}")])
    return Period(first, last)


def cost_minor(points: int, cost: Cost | None) -> int:
    """What so many points cost when they are spent, in minor units of the cost's currency, rounded up."""
    return -(-points * cost.minor_per_thousand // 1000) if cost is not None else 0


def worth(cell: Cell, cost: Cost | None, breakage: Breakage) -> Sums:
    """What one cell comes to."""
    broken = breakage.expected_of(cell.points) if cell.month is not None else 0
    return Sums(
        cell.points, cell.pending, broken, cost_minor(cell.points, cost), cost_minor(cell.points - broken, cost)
    )


def summed(cells: Iterable[tuple[Cell, Sums]], by: Callable[[Cell], K]) -> dict[K, Sums]:
    """The sums of cells that have something in common."""
    found: dict[K, Sums] = {}
    for cell, sums in cells:
        key = by(cell)
        found[key] = found.get(key, Sums()) + sums
    return found
