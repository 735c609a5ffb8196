"""The heart of booking: what was decided of an order, as postings of the ledger."""

from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from loyalty_svc.accounts.types import Expiry
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.orders import Award, Credits, Decision, Earned
from loyalty_svc.earning.rules import Programme
from loyalty_svc.ledger.posting import Basis, Cause, Kind, Posting, owed


def basis_of(on: str, award: Award, programme: Programme) -> Basis:
    """How an award for an event of the type `on` is booked."""
    terms = award.terms
    credits = terms.credits or programme.credits
    return _basis(Kind.EARNED, on, credits, award.rule, award.matched, terms.pending, terms.expires)


def posting_of(decision: Decision, programme: Programme, order_uid: UUID, order_id: str, event_id: str) -> Posting:
    """The posting of a decision; each award and each refund of an order is booked once."""
    if isinstance(decision, Earned):
        award = decision.award
        cause = Cause(order_uid, award.code, event_id, order_id)
        return owed(
            decision.customer_id, basis_of(ORDER_PAID, award, programme), award.points, at=decision.at, cause=cause
        )
    refund, credits = decision.refund, decision.credits
    basis = _basis(Kind.REVERSED, "order.refunded", credits or programme.credits)
    cause = Cause(order_uid, part_of(refund.refund_id, credits), refund.event_id, order_id)
    return owed(decision.customer_id, basis, -decision.points, at=decision.at, cause=cause)


def part_of(refund_id: str, credits: Credits | None) -> str:
    """What a refund takes back in some account types is booked under this; no two of an order have the same.

    That is its own name where the programme's account types are meant and nothing could be mistaken, and `+stamps r-1`
    otherwise. Others were `r-1 stamps` once, which is stored and could be a refund's name: so a name with a space in it
    is never booked as it is.
    """
    if credits is None and " " not in refund_id and not refund_id.startswith("+"):
        return refund_id
    return f"+{'+'.join(credits or ())} {refund_id}"


@lru_cache(maxsize=4096)
def _basis(
    kind: Kind,
    reason: str,
    credits: tuple[str, ...],
    rule: str | None = None,
    matched: str | None = None,
    pending: timedelta | None = None,
    expires: Expiry | None = None,
) -> Basis:
    """One object for equal ones, which the ledger stores together."""
    return Basis(kind, reason, credits, rule, matched, pending=pending, expires=expires)
