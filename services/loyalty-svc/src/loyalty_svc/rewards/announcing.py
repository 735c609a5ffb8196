"""What the other services hear of a redemption."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from moat.contracts.loyalty import RewardCancelled, RewardFact, RewardFulfilled, RewardRedeemed, RewardReserved
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause, Event


def announce(
    tx: Transaction,
    row: Row[Any],
    *,
    at: datetime,
    is_paid_now: bool = False,
    cause: Event[Any] | Cause | None = None,
) -> None:
    """Tell of the state that it came to; `at` is when. One that is fulfilled as it is paid was redeemed, too."""
    facts: dict[str, Any] = {
        "redemption_id": row.id,
        "reward": row.reward,
        "version": row.version,
        "quantity": row.quantity,
        "points": row.points,
    }
    told: list[RewardFact] = []
    if row.state == "reserved":
        told.append(RewardReserved(**facts, until=row.until))
    if is_paid_now:
        told.append(RewardRedeemed(**facts))
    if row.state == "fulfilled":
        told.append(RewardFulfilled(**facts))
    if row.state in {"cancelled", "timed_out", "refunded"}:
        told.append(RewardCancelled(**facts, reason=row.state))
    for data in told:
        tx.publish(data, about=row.customer_id, time=at, cause=cause)
