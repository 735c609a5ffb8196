"""From the invoice lines of Online Retail I to raw facts, as the handbook's chapter on it says: the shop's side.

The file has no orders, no refunds and no links between them; it has lines. What each becomes is counted, so that the
chapter's numbers can be checked.
"""

import csv
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from .facts import Fact, Shopper

NAME = "online_retail/online_retail_I_2010-12_2011-12.csv.gz"
LONDON = ZoneInfo("Europe/London")
SYSTEM = "online-retail"
SOURCE = "/shops/online-retail"
LINES_MAX = 200


def find_file() -> Path | None:
    """The data set in `MOAT_DATA`, or beside the project; it is not a part of it."""
    places = [os.environ.get("MOAT_DATA"), Path(__file__).parents[3] / "shared" / "data"]
    return next((Path(place) / NAME for place in places if place and (Path(place) / NAME).exists()), None)


@dataclass(frozen=True)
class Line:
    """One line of the file. A quantity below zero goes back; a price is that of one piece."""

    invoice: str
    sku: str
    name: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str

    @property
    def amount_minor(self) -> int:
        """What it comes to without its sign, in pence, half a penny up."""
        return int((abs(self.quantity) * self.price * 100).quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def is_charge(self) -> bool:
        """Postage, manual entries, discounts, bank charges and the like: their codes have no number."""
        return not any(character.isdigit() for character in self.sku[:5])

    def told(self) -> Fact:
        """As a line of an order or a refund."""
        about = {"sku": self.sku, "category": "charge" if self.is_charge else "product"}
        return about | {"quantity": abs(self.quantity), "amount_minor": self.amount_minor}


def read(path: Path) -> list[Line]:
    """Every line, in the order of the file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [
            Line(
                row["InvoiceNo"],
                row["StockCode"],
                row["Description"],
                int(row["Quantity"]),
                datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=LONDON).astimezone(UTC),
                Decimal(row["UnitPrice"]),
                row["CustomerID"],
            )
            for row in csv.DictReader(file)
        ]


@dataclass
class Reading:
    """Reads invoices in the order of time; `counts` says what became of them."""

    moved: timedelta
    counts: Counter[str] = field(default_factory=Counter)
    _bought: defaultdict[tuple[str, str, Decimal], list[list]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def to(cls, lines: Sequence[Line], last_day: datetime) -> "Reading":
        """One that moves all instants by the same whole number of days, so that the last line is of `last_day`."""
        return cls(timedelta(days=(last_day.date() - max(line.at for line in lines).date()).days))

    def facts(self, lines: Iterable[Line]) -> Iterator[Fact]:
        """The facts that a shop would have sent."""
        invoices: defaultdict[str, list[Line]] = defaultdict(list)
        for line in lines:
            invoices[line.invoice].append(line)
            self.counts["lines"] += 1
        self.counts["invoices"] = len(invoices)
        # Sorting keeps the order of the file within a minute.
        for invoice in sorted(invoices.values(), key=lambda found: min(line.at for line in found)):
            yield from self._read(invoice)

    def _read(self, invoice: list[Line]) -> Iterator[Fact]:
        number = invoice[0].invoice
        if number.startswith("A"):
            self.counts["bad debts written off: dropped"] += 1
        elif number.startswith("C"):
            yield from self._returned(invoice)
        elif any(line.quantity < 0 for line in invoice) or (not invoice[0].customer and self._total(invoice) == 0):
            self.counts["stock corrections: dropped"] += 1
        else:
            yield self._paid(invoice)

    @staticmethod
    def _total(lines: Iterable[Line]) -> int:
        return sum(line.amount_minor for line in lines)

    def _paid(self, invoice: list[Line]) -> Fact:
        number, customer, total = invoice[0].invoice, invoice[0].customer, self._total(invoice)
        if not customer:
            self.counts["orders of nobody"] += 1
        else:
            self.counts["orders"] += 1
            self.counts["orders over nothing"] += total == 0
            for line in invoice:
                self._bought[customer, line.sku, line.price].append([number, line.quantity])
        self.counts["orders of more than 200 lines"] += len(invoice) > LINES_MAX
        at = min(line.at for line in invoice) + self.moved
        amounts = {"currency": "GBP", "total_minor": total, "lines": _within_the_limit(invoice)}
        return _of(customer).says(
            "order.paid", at=at.isoformat(), id=f"{number}-paid", source=SOURCE, order_id=number, **amounts
        )

    def _returned(self, invoice: list[Line]) -> Iterator[Fact]:
        """A refund for each order that lines of the cancellation are found in, and one for those that are in none."""
        number, customer = invoice[0].invoice, invoice[0].customer
        self.counts["cancellations"] += bool(customer)
        self.counts["cancellations of nobody"] += not customer
        of_order: defaultdict[str, list[Line]] = defaultdict(list)
        for line in invoice:
            order = self._order_of(line) if customer else None
            of_order[order or number].append(line)
            if customer:
                self.counts["lines returned to a known order" if order else "lines returned to no known order"] += 1
        for order, lines in of_order.items():
            if not (amount := self._total(lines)):
                self.counts["refunds of nothing: dropped"] += 1
                continue
            if customer:
                self.counts["refunds of a known order" if order != number else "refunds of an unknown order"] += 1
            at = min(line.at for line in invoice) + self.moved
            amounts = {"currency": "GBP", "amount_minor": amount, "lines": _within_the_limit(lines)}
            names = {"id": f"{number}-{order}", "order_id": order, "refund_id": number}
            yield _of(customer).says("order.refunded", at=at.isoformat(), source=SOURCE, **names, **amounts)

    def _order_of(self, line: Line) -> str | None:
        """The customer's latest order with this article at this price of which so many are left; they are taken."""
        for bought in reversed(self._bought[line.customer, line.sku, line.price]):
            if bought[1] >= -line.quantity:
                bought[1] += line.quantity
                return str(bought[0])
        return None


def _of(customer: str) -> Shopper:
    """A customer by his number; without one he is nobody."""
    return Shopper(({"system": SYSTEM, "kind": "customer_id", "value": customer},))


def _within_the_limit(lines: Sequence[Line]) -> list[Fact]:
    """The lines, the last of which stands for all the rest where there are more than the intake takes."""
    told = [line.told() for line in lines]
    if len(told) <= LINES_MAX:
        return told
    rest = told[LINES_MAX - 1 :]
    amount = sum(line["amount_minor"] for line in rest)
    return [*told[: LINES_MAX - 1], {"name": f"{len(rest)} further lines", "quantity": 1, "amount_minor": amount}]
