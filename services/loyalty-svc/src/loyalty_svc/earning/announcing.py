"""What earning tells the other services about a run of postings."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from loyalty_svc.ledger.posting import Kind
from loyalty_svc.ledger.tables import POINTS
from loyalty_svc.ledger.usecases import Posted
from moat.contracts.loyalty import MemberEnrolled, PointsEarned, PointsReversed
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event


def announce(tx: Transaction, run: Sequence[Posted], causes: Sequence[Event[Any]]) -> None:
    """Publish new members and moved points, in the order of the postings; `causes` are the events behind them."""
    enrolled: set[UUID] = set()
    for (posting_id, posting, entries), event in zip(run, causes, strict=True):
        for account, amount, balance_after in entries:
            if account.account_type != POINTS:
                continue
            customer_id, cause = posting.customer_id, posting.cause
            if account.before_at is None and customer_id not in enrolled:
                enrolled.add(customer_id)
                tx.publish(MemberEnrolled(), about=customer_id, time=posting.at, cause=event)
            announced = PointsEarned if posting.basis.kind is Kind.EARNED else PointsReversed
            moved = announced(
                posting_id=posting_id,
                account_type=POINTS,
                amount=abs(amount),
                balance_after=balance_after,
                order_uid=cause.id,
                order_id=cause.order_id,
                rule=posting.basis.rule,
            )
            tx.publish(moved, about=customer_id, time=posting.at, cause=event)
