"""What every customer of Online Retail I must come to, from the file and the words of the handbook alone.

Nothing of the product is imported, and nothing of the reader that makes the facts: a mistake in either shows.
"""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

TIERS = ((1_000, "black"), (500, "gold"), (200, "silver"), (0, "member"))


@dataclass
class Expected:
    """One customer; amounts in pence by order number."""

    paid: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)

    @property
    def spent_minor(self) -> int:
        return sum(total - self.refunded.get(order, 0) for order, total in self.paid.items())

    @property
    def earned(self) -> int:
        """A point for each whole pound of an order."""
        return sum(total // 100 for total in self.paid.values())

    @property
    def kept(self) -> int:
        """Of each order's points the share that its money kept, rounded down."""
        return sum(
            (total // 100) * (total - self.refunded.get(order, 0)) // total
            for order, total in self.paid.items()
            if total
        )

    @property
    def tier(self) -> str:
        return next(code for least, code in TIERS if self.kept >= least)


def expected(path: Path) -> dict[str, Expected]:
    """Customer number → what he must come to."""
    of: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    begun: dict[str, str] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # An invoice that took several minutes is of the minute in which it was begun.
            begun[row["InvoiceNo"]] = min(row["InvoiceDate"], begun.get(row["InvoiceNo"], "9"))
            if row["CustomerID"]:
                of[row["CustomerID"]].append(row)
    return {customer: _expected(sorted(rows, key=lambda row: begun[row["InvoiceNo"]])) for customer, rows in of.items()}


def _expected(rows: list[dict[str, str]]) -> Expected:
    """Rows of one customer, the oldest invoice first."""
    customer, bought = Expected(), []
    for row in rows:
        number, pieces = row["InvoiceNo"], int(row["Quantity"])
        if pieces > 0:
            customer.paid[number] = customer.paid.get(number, 0) + _pence(pieces, row["UnitPrice"])
            bought.append([row["StockCode"], Fraction(row["UnitPrice"]), number, pieces])
            continue
        # The latest line that sold this article at this price and of which as many pieces are still his.
        what = [row["StockCode"], Fraction(row["UnitPrice"])]
        for line in bought[::-1]:
            if line[:2] == what and line[3] + pieces >= 0:
                line[3] += pieces
                customer.refunded[line[2]] = customer.refunded.get(line[2], 0) + _pence(-pieces, row["UnitPrice"])
                break
    return customer


def _pence(pieces: int, price: str) -> int:
    """Half a penny counts as one."""
    return int(Fraction(price) * pieces * 100 + Fraction(1, 2))
