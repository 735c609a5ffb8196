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


def announce(tx: Transaction, posted: Posted, causes: Sequence[Event[Any]]) -> None:
    """Publish new members and moved points, in the order of the postings; `causes` are the events behind them."""
    enrolled: set[UUID] = set()
    runs = zip(posted.ids, posted.postings, posted.entries, causes, strict=True)
    for posting_id, posting, entries, event in runs:
        customer_id, cause = posting.customer_id, posting.cause
        entry = next((one for one in entries if one.customer_id is not None and one.account_type == POINTS), None)
        if entry is None or entry.balance_after is None:
            continue
        if customer_id not in enrolled and posted.accounts[(customer_id, POINTS)].before_at is None:
            enrolled.add(customer_id)
            tx.publish(MemberEnrolled(), about=customer_id, time=posting.at, cause=event)
        announced = PointsEarned if posting.kind is Kind.EARNED else PointsReversed
        moved = announced(
            posting_id=posting_id,
            account_type=POINTS,
            amount=abs(entry.amount),
            balance_after=entry.balance_after,
            order_uid=cause.id,
            order_id=cause.order_id,
            rule=cause.rule,
        )
        tx.publish(moved, about=customer_id, time=posting.at, cause=event)
