"""What earning tells the other services about a run of postings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.ledger.posting import Kind
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.ledger.usecases import Posted
from moat.contracts.loyalty import MemberEnrolled, PointsEarned, PointsMoved, PointsPending, PointsReversed
from moat.kit.db.transaction import Transaction
from moat.kit.events import EventData


def announce(tx: Transaction, run: Sequence[Posted], causes: Sequence[Any], *, now: datetime) -> None:
    """Publish new members and moved points, in the order of the postings; growth is told of by tiers.

    causes: the events behind the postings, or `moat.kit.events.Cause` where those are long past.
    """
    told: list[tuple[EventData, UUID, datetime, Any]] = []
    enrolled: set[UUID] = set()
    for (posting_id, posting, entries), event in zip(run, causes, strict=True):
        customer_id, basis, at, cause, _, _ = posting
        for account, amount, balance_after in entries:
            account_type = account.account_type
            if account_type == GROWTH:
                continue
            if account.before_at is None and account_type == POINTS and customer_id not in enrolled:
                enrolled.add(customer_id)
                told.append((MemberEnrolled(), customer_id, at, event))
            facts: dict[str, Any] = {
                "posting_id": posting_id,
                "account_type": account_type,
                "amount": abs(amount),
                "balance_after": balance_after,
                "order_uid": None if cause.order_id is None else cause.id,
                "order_id": cause.order_id,
                "rule": basis.rule,
            }
            kind: type[PointsMoved] = PointsReversed
            if basis.kind is Kind.EARNED:
                kind = PointsEarned
                if basis.pending is not None and at + basis.pending > now:
                    kind = PointsPending
                    facts |= {"reason": basis.reason, "available_at": at + basis.pending}
            # What calling the class does, without a copy of the facts; there are thousands.
            told.append((kind.__pydantic_validator__.validate_python(facts), customer_id, at, event))
    tx.publish_all(told)
