"""An independent oracle for the CDNOW sample: what every customer must come to, from the raw file and the words of
the programme alone. Nothing of the product is imported here, so that a common mistake cannot hide in both.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from .facts import Fact, Shopper

FILE = Path(__file__).parents[2] / "deploy/local/src/moat_local/cdnow/CDNOW_sample.txt"
SHANGHAI = ZoneInfo("Asia/Shanghai")
TIERS = ((1_000, "black"), (500, "gold"), (200, "silver"), (0, "member"))
AT_STAKE_MINOR = 10_000


@dataclass(frozen=True)
class Row:
    """One line of the file, moved in time."""

    number: int
    customer: str
    paid_at: datetime
    total_minor: int


@dataclass(frozen=True)
class Expected:
    """What one customer must come to."""

    order_totals: dict[str, int]
    points: int
    tier: str
    first_at: datetime
    last_at: datetime
    purchase_days: int
    days_between: int

    @property
    def spent_minor(self) -> int:
        return sum(self.order_totals.values())

    def score(self, at: datetime) -> float:
        """100 × (1 − ((α + T) / (α + T + g)) ** (r + n)) with r = 1 and α = 60 days."""
        silent_days = (at - self.last_at) / timedelta(days=1)
        watched_days = 60 + self.days_between
        return 100 * (1 - (watched_days / (watched_days + silent_days)) ** self.purchase_days)

    def band(self, at: datetime) -> str:
        score = self.score(at)
        return "high" if score >= 80 else "medium" if score >= 50 else "low"


def rows(yesterday: datetime) -> list[Row]:
    """The whole file, all dates moved so that the last one is the day of `yesterday`; each paid at 12:00 UTC."""
    lines = [line.split() for line in FILE.read_text("ascii").splitlines() if line.strip()]
    days = [datetime(int(line[2][:4]), int(line[2][4:6]), int(line[2][6:]), 12, tzinfo=UTC) for line in lines]
    shift = yesterday.date() - max(days).date()
    return [
        Row(number, line[0], day + shift, int(Decimal(line[4]) * 100))
        for number, (line, day) in enumerate(zip(lines, days, strict=True), start=1)
    ]


def expected(rows_: list[Row], prefix: str = "cdnow-") -> dict[str, Expected]:
    """Master id → what he must come to."""
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows_:
        of[row.customer].append(row)
    return {customer: _expected(mine, prefix) for customer, mine in of.items()}


def _expected(mine: list[Row], prefix: str) -> Expected:
    days = sorted({row.paid_at.astimezone(SHANGHAI).date() for row in mine})
    points = sum(row.total_minor // 100 for row in mine)
    return Expected(
        order_totals={f"{prefix}{row.number}": row.total_minor for row in mine},
        points=points,
        tier=next(code for least, code in TIERS if points >= least),
        first_at=min(row.paid_at for row in mine),
        last_at=max(row.paid_at for row in mine),
        purchase_days=len(days),
        days_between=(days[-1] - days[0]).days,
    )


def shopper_of(customer: str) -> Shopper:
    """A customer of the file by his outside name."""
    return Shopper(({"system": "cdnow", "kind": "customer_id", "value": customer},))


def fact_of(row: Row) -> Fact:
    """The fact that the demo sends for a row, said in the test's own words."""
    order = f"cdnow-{row.number}"
    return shopper_of(row.customer).paid(
        row.total_minor, order, id=f"{order}-paid", currency="USD", at=row.paid_at.isoformat(), source="/demo/cdnow"
    )
