"""What holds do inside the transaction they are given: points step aside, and are spent or come back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from loyalty_svc.ledger.posting import Cause
from moat.kit.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Hold:
    """Points that were put aside. status: held, confirmed, released, timed_out; confirmed: how many were spent."""

    id: UUID
    customer_id: UUID
    account_type: str
    amount: int
    confirmed: int
    status: str
    made_at: datetime
    until: datetime
    resolved_at: datetime | None
    reason: str
    posting_id: UUID | None


async def hold(
    tx: Transaction,
    customer_id: UUID,
    account_type: str,
    amount: int,
    *,
    until: datetime,
    cause: Cause,
    reason: str,
    now: datetime,
) -> Hold:
    """Put `amount` (> 0) of what is available aside until an instant; the customer is locked (`lock_customer`).

    `cause` becomes that of the posting when the hold is confirmed, so it may stand for one hold that is ever confirmed.
    Raises InsufficientPoints, UnknownAccountType, NotSpendable.
    """
    raise NotImplementedError


async def confirm(tx: Transaction, hold_id: UUID, amount: int | None = None, *, now: datetime) -> Hold:
    """Spend what is held, or `amount` of it; the rest comes back. Publishes `points.spent`.

    Raises UnknownHold, HoldClosed (confirmed, released or timed out already), MoreThanHeld.
    """
    raise NotImplementedError


async def release(tx: Transaction, hold_id: UUID, *, now: datetime) -> Hold:
    """Give back what is held. A second release changes nothing; raises UnknownHold, HoldClosed once it is confirmed."""
    raise NotImplementedError
