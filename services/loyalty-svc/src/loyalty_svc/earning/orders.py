"""The heart of earning: what an order and its refunds come to, in whatever order they become known.

After each refund the points kept are `earned * (total - min(refunded, total)) // total`, rounded down; what is taken
back is the difference to what was kept before. So a full refund leaves zero and no refund takes more than was given. A
refund that is known before its order waits in the order's state and takes its share when the order comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.earning.rules import Terms

Credits = tuple[str, ...]
"""The account types that are credited."""


class Award(NamedTuple):
    """What one rule gave for an order: points (> 0), the rule as `<code>@<version>`, the conditions that matched."""

    code: str
    rule: str
    points: int
    matched: str
    terms: Terms = Terms()


class Paid(NamedTuple):
    """An order was paid: amounts in minor units, instants aware UTC, awards as the version valid then decided."""

    customer_id: UUID
    at: datetime
    currency: str
    total_minor: int
    programme_version: int | None
    awards: tuple[Award, ...]


class Refund(NamedTuple):
    """Money went back; `event_id` is the fact that said so."""

    refund_id: str
    at: datetime
    currency: str
    amount_minor: int
    event_id: str


class Earned(NamedTuple):
    """Points to be given."""

    customer_id: UUID
    at: datetime
    award: Award


class TakenBack(NamedTuple):
    """Points to be taken back; `at` is the later of payment and refund. credits: None for those of the programme."""

    customer_id: UUID
    at: datetime
    points: int
    refund: Refund
    credits: Credits | None = None


Decision = Earned | TakenBack


@dataclass(slots=True)
class Part:
    """What an order earned in other account types than those of the programme."""

    credits: Credits
    earned: int = 0
    reversed: int = 0


@dataclass(slots=True)
class OrderEarning:
    """The state of one order; what `pay` sets is None until the order is paid.

    earned, reversed: in the account types of the programme. others: in those that a rule names itself.
    """

    order_uid: UUID
    revision: int = 0
    customer_id: UUID | None = None
    paid_at: datetime | None = None
    currency: str | None = None
    total_minor: int = 0
    programme_version: int | None = None
    earned: int = 0
    reversed: int = 0
    refunds: list[Refund] = field(default_factory=list)
    others: list[Part] = field(default_factory=list)


def kept(earned: int, total_minor: int, refunded_minor: int) -> int:
    """The points of an order that remain after `refunded_minor` of `total_minor` went back; never negative."""
    if refunded_minor <= 0:
        return earned
    if refunded_minor >= total_minor:
        return 0
    return earned * (total_minor - refunded_minor) // total_minor


def pay(order: OrderEarning, paid: Paid) -> list[Decision]:
    """The order is paid; refunds that were known before take their share. A second payment changes nothing."""
    if order.paid_at is not None:
        return []
    order.customer_id, order.paid_at = paid.customer_id, paid.at
    order.currency, order.total_minor = paid.currency, paid.total_minor
    order.programme_version = paid.programme_version
    for award in paid.awards:
        _credit(order, award)
    decisions: list[Decision] = [Earned(paid.customer_id, paid.at, award) for award in paid.awards]
    if order.refunds:
        # As if they had come in the order they happened.
        waiting = sorted(order.refunds, key=lambda refund: (refund.at, refund.refund_id))
        for number, refund in enumerate(waiting, 1):
            decisions += _take_back(order, refund, waiting[:number])
    return decisions


def take_back(order: OrderEarning, refund: Refund) -> Sequence[Decision]:
    """Money of the order went back. The same refund again changes nothing; one in another currency has no effect."""
    if any(known.refund_id == refund.refund_id for known in order.refunds):
        return []
    order.refunds.append(refund)
    return _take_back(order, refund, order.refunds)


def release(order: OrderEarning, award: Award) -> int:
    """An award that was held is given after all: what is left of it after the refunds that are known."""
    refunded = _refunded(order, order.refunds)
    part = _credit(order, award)
    if part is None:
        points = kept(order.earned, order.total_minor, refunded) - (order.earned - award.points - order.reversed)
        order.reversed += award.points - points
        return points
    points = kept(part.earned, order.total_minor, refunded) - (part.earned - award.points - part.reversed)
    part.reversed += award.points - points
    return points


def _credit(order: OrderEarning, award: Award) -> Part | None:
    credits = award.terms.credits
    if credits is None:
        order.earned += award.points
        return None
    part = next((one for one in order.others if one.credits == credits), None)
    if part is None:
        part = Part(credits)
        order.others.append(part)
    part.earned += award.points
    return part


def _refunded(order: OrderEarning, known: Iterable[Refund]) -> int:
    return sum(one.amount_minor for one in known if one.currency == order.currency)


def _take_back(order: OrderEarning, refund: Refund, known: Sequence[Refund]) -> list[TakenBack]:
    if order.paid_at is None or order.customer_id is None:
        return []
    refunded_minor = _refunded(order, known)
    at = max(order.paid_at, refund.at)
    taken: list[TakenBack] = []
    points = (order.earned - order.reversed) - kept(order.earned, order.total_minor, refunded_minor)
    if points > 0:
        order.reversed += points
        taken.append(TakenBack(order.customer_id, at, points, refund))
    for part in order.others:
        points = (part.earned - part.reversed) - kept(part.earned, order.total_minor, refunded_minor)
        if points > 0:
            part.reversed += points
            taken.append(TakenBack(order.customer_id, at, points, refund, part.credits))
    return taken
