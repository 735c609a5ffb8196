"""What an order says about its customer, whatever order its facts come in: pure.

An order is paid once and refunded any number of times; a refund may come first. Merging two sets of facts is
commutative, associative and idempotent, so that late, early and repeated facts end in the same state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

PROGRAMME_ZONE: Final = ZoneInfo("Asia/Shanghai")
"""The zone whose civil days are purchase days."""


@dataclass(frozen=True, slots=True)
class Payment:
    """An order was paid: when (aware), and how much in minor units."""

    paid_at: datetime
    currency: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Money went back, in minor units > 0."""

    currency: str
    amount_minor: int


@dataclass(slots=True)
class Purchase:
    """What is known of one order. The customer is that of the payment; until it comes, that of the refund."""

    order_uid: UUID
    customer_id: UUID
    payment: Payment | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    def paid(self, customer_id: UUID, payment: Payment) -> None:
        """Learn of the payment; the first one stays."""
        if self.payment is None:
            self.customer_id, self.payment = customer_id, payment

    def refunded(self, refund_id: str, refund: Refund) -> None:
        """Learn of a refund; one id counts once."""
        self.refunds.setdefault(refund_id, refund)


def purchase_date(paid_at: datetime) -> date:
    """The civil day of a payment in the programme's zone."""
    return paid_at.astimezone(PROGRAMME_ZONE).date()


def net_minor(payment: Payment, refunds: Mapping[str, Refund]) -> int:
    """What is left of a payment in minor units: never below zero; a refund in another currency has no effect."""
    return payment.total_minor - min(payment.total_minor, _refunded(payment.currency, refunds.values()))


def _refunded(currency: str, refunds: Iterable[Refund]) -> int:
    return sum(refund.amount_minor for refund in refunds if refund.currency == currency)
