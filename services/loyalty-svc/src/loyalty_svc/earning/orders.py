"""The heart of earning: what an order and its refunds come to, in whatever order they become known.

After each refund the points kept are `earned * (total - min(refunded, total)) // total`, rounded down, but for awards
that lines earned (`returns.py`); what is taken back is the difference to what was kept before. So a full refund leaves
zero and no refund takes more than was given. A refund that is known before its order waits in the order's state and
takes its share when the order comes.

An order is paid once. One that was edited arrives as what it is to the till: a refund of what was left out, which may
name its lines, and an order of its own for what was added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from loyalty_svc.earning.returns import LineAward, OrderLine, Returned, are_known
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
    """An order was paid: amounts in minor units, instants aware UTC, awards as the version valid then decided.

    by_line: which of its `lines` earned what, for awards that lines earned; without such awards both are empty.
    """

    customer_id: UUID
    at: datetime
    currency: str
    total_minor: int
    programme_version: int | None
    awards: tuple[Award, ...]
    by_line: tuple[LineAward, ...] = ()
    lines: tuple[OrderLine, ...] = ()


class Refund(NamedTuple):
    """Money went back; `event_id` is the fact that said so, `lines` what it says came back."""

    refund_id: str
    at: datetime
    currency: str
    amount_minor: int
    event_id: str
    lines: tuple[OrderLine, ...] = ()


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
    by_line: tuple[LineAward, ...] = ()
    lines: tuple[OrderLine, ...] = ()


Reading = Literal["waiting", "other_currency", "by_line", "unknown_lines", "in_proportion"]
"""How a refund is read."""


def reading(order: OrderEarning, refund: Refund) -> Reading:
    """How a refund is read. Lines that the order does not have (`unknown_lines`) do not count: it is in proportion."""
    if order.paid_at is None:
        return "waiting"
    if refund.currency != order.currency:
        return "other_currency"
    if not refund.lines or not order.lines:
        return "in_proportion"
    return "by_line" if are_known(refund.lines, order.lines) else "unknown_lines"


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
    order.by_line, order.lines = paid.by_line, paid.lines if paid.by_line else ()
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
    part = _credit(order, award)
    order.by_line = tuple(one._replace(points=award.points) if one.code == award.code else one for one in order.by_line)
    points = _kept(order, part, award.terms.credits, order.refunds) - (part.earned - award.points - part.reversed)
    part.reversed += award.points - points
    return points


def _credit(order: OrderEarning, award: Award) -> "OrderEarning | Part":
    """Add to what was earned in the award's account types; returns who keeps that."""
    credits = award.terms.credits
    part = order if credits is None else _part(order, credits)
    part.earned += award.points
    return part


def _part(order: OrderEarning, credits: Credits) -> Part:
    part = next((one for one in order.others if one.credits == credits), None)
    if part is None:
        part = Part(credits)
        order.others.append(part)
    return part


def parts(order: OrderEarning) -> "list[tuple[OrderEarning | Part, Credits | None]]":
    """What an order earned by account types, those of the programme (None) first."""
    return [(order, None), *[(part, part.credits) for part in order.others]]


def _refunded(order: OrderEarning, known: Iterable[Refund]) -> int:
    return sum(one.amount_minor for one in known if one.currency == order.currency)


def _kept(order: OrderEarning, part: "OrderEarning | Part", credits: Credits | None, known: Sequence[Refund]) -> int:
    """What stays after these refunds of what was earned in some account types."""
    by_line = [one for one in order.by_line if one.credits == credits]
    refunded = _refunded(order, known)
    if not by_line:
        return kept(part.earned, order.total_minor, refunded)
    named = [one for one in known if reading(order, one) == "by_line"]
    named_minor = sum(one.amount_minor for one in named)
    returned = Returned([line for one in named for line in one.lines], named_minor, refunded - named_minor)
    whole = part.earned - sum(one.points for one in by_line)
    return kept(whole, order.total_minor, refunded) + sum(
        returned.kept(one, order.lines, order.total_minor) for one in by_line
    )


def _take_back(order: OrderEarning, refund: Refund, known: Sequence[Refund]) -> list[TakenBack]:
    if order.paid_at is None or order.customer_id is None:
        return []
    at = max(order.paid_at, refund.at)
    taken: list[TakenBack] = []
    for part, credits in parts(order):
        points = (part.earned - part.reversed) - _kept(order, part, credits, known)
        if points > 0:
            part.reversed += points
            taken.append(TakenBack(order.customer_id, at, points, refund, credits))
    return taken
