"""What earning tells the other services about a run of postings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.ledger.posting import Kind, Posting
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.ledger.usecases import Posted
from moat.contracts.loyalty import MemberEnrolled, PointsEarned, PointsPending, PointsReversed
from moat.kit.db.transaction import Transaction


def announce(tx: Transaction, run: Sequence[Posted], causes: Sequence[Any], *, now: datetime) -> None:
    """Publish new members and moved points, in the order of the postings; growth is told of by tiers.

    causes: the events behind the postings, or `moat.kit.events.Cause` where those are long past.
    """
    enrolled: set[UUID] = set()
    for (posting_id, posting, entries), event in zip(run, causes, strict=True):
        customer_id, cause = posting.customer_id, posting.cause
        for account, amount, balance_after in entries:
            account_type = account.account_type
            if account_type == GROWTH:
                continue
            if account.before_at is None and account_type == POINTS and customer_id not in enrolled:
                enrolled.add(customer_id)
                tx.publish(MemberEnrolled(), about=customer_id, time=posting.at, cause=event)
            facts = {
                "posting_id": posting_id,
                "account_type": account_type,
                "amount": abs(amount),
                "balance_after": balance_after,
                "order_uid": None if cause.order_id is None else cause.id,
                "order_id": cause.order_id,
                "rule": posting.basis.rule,
            }
            tx.publish(_moved(posting, facts, now), about=customer_id, time=posting.at, cause=event)


def _moved(posting: Posting, facts: dict[str, Any], now: datetime) -> PointsEarned | PointsPending | PointsReversed:
    basis = posting.basis
    if basis.kind is not Kind.EARNED:
        return PointsReversed(**facts)
    if basis.pending is None or posting.at + basis.pending <= now:
        return PointsEarned(**facts)
    return PointsPending(reason=basis.reason, available_at=posting.at + basis.pending, **facts)
