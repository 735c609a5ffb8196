"""What the ledger tells the other services of points that moved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.ledger.posting import AccountKey, Entry, Kind, Posted, Posting
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.lots.lots import Change
from moat.contracts.loyalty import (
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsMoved,
    PointsPending,
    PointsReversed,
    PointsSpent,
)
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause as EventCause
from moat.kit.events import Event

_SAID: Mapping[Kind, type[PointsMoved]] = {
    Kind.EARNED: PointsEarned,
    Kind.REVERSED: PointsReversed,
    Kind.SPENT: PointsSpent,
    Kind.EXPIRED: PointsExpired,
}


def moved(
    tx: Transaction, run: Sequence[Posted], *, now: datetime | None = None, events: Iterable[Event[Any]] = ()
) -> None:
    """Publish what postings did; with `now` awards that wait are told apart. Growth is told of by tiers.

    events: those that led here, as far as they are known, so that correlation and trace go on.
    Expired points that came back to be taken back are not told of: the posting that takes them is.
    """
    enrolled: set[UUID] = set()
    known = {event.id: event for event in events}
    for id_, posting, entries in run:
        cause = _cause(posting.cause.event_id, known)
        for entry in entries:
            customer_id, account = posting.customer_id, entry.account
            if account.account_type == GROWTH:
                continue
            is_new = account.before_at is None and account.account_type == POINTS
            if posting.basis.kind is Kind.EARNED and is_new and customer_id not in enrolled:
                enrolled.add(customer_id)
                tx.publish(MemberEnrolled(), about=customer_id, time=posting.at, cause=cause)
            if not (posting.basis.kind is Kind.EXPIRED and entry.amount > 0):
                tx.publish(_said(id_, posting, entry, now), about=customer_id, time=posting.at, cause=cause)


def _cause(event_id: str, known: Mapping[str, Event[Any]]) -> Event[Any] | EventCause | None:
    if not event_id:
        return None
    return known.get(event_id) or EventCause(event_id, None, None)


def _said(id_: UUID, posting: Posting, entry: Entry, now: datetime | None) -> PointsMoved:
    facts = {
        "posting_id": id_,
        "account_type": entry.account.account_type,
        "amount": abs(entry.amount),
        "balance_after": entry.balance_after,
        "order_id": posting.cause.order_id,
        "rule": posting.basis.rule,
        "reason": posting.basis.reason,
    }
    kind, pending = posting.basis.kind, posting.basis.pending
    if kind is Kind.ADJUSTED:
        return PointsAdjusted(direction="given" if entry.amount > 0 else "taken", **facts)
    if kind is Kind.EARNED and pending and now and posting.at + pending > now:
        return PointsPending(available_at=posting.at + pending, **facts)
    return _SAID[kind](**facts)


def came_of_age(tx: Transaction, changes: Mapping[AccountKey, Change], balances: Mapping[AccountKey, int]) -> None:
    """Publish as earned what was pending; it names the posting that gave it."""
    for key, change in changes.items():
        for lot, points in change.ripened:
            earned = PointsEarned(
                posting_id=lot.posting_id, account_type=key[1], amount=points, balance_after=balances[key]
            )
            tx.publish(earned, about=key[0], time=lot.available_at)
