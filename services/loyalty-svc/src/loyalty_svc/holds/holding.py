"""The heart of holds: points that step aside, and the only ways that ends."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from loyalty_svc.holds.problems import HoldClosed, MoreThanHeld
from loyalty_svc.ledger.giving import basis_of
from loyalty_svc.ledger.posting import Cause, Kind, Posting

Status = Literal["held", "confirmed", "released", "timed_out"]
HELD: Final = "held"


@dataclass(frozen=True, slots=True)
class Hold:
    """Points that were put aside until an instant; confirmed: how many of them were spent."""

    id: UUID
    customer_id: UUID
    account_type: str
    amount: int
    confirmed: int
    status: Status
    made_at: datetime
    until: datetime
    resolved_at: datetime | None
    reason: str
    cause: Cause
    posting_id: UUID | None

    def spent(self, amount: int | None, now: datetime) -> Posting:
        """What spends it, or `amount` (> 0) of it. Raises HoldClosed, also when its time is over, and MoreThanHeld."""
        points = self.amount if amount is None else amount
        if self.status != HELD or self.until <= now:
            raise HoldClosed(hold_status=self.status if self.status != HELD else "timed_out")
        if points > self.amount:
            raise MoreThanHeld(held=self.amount, requested=points)
        basis = basis_of(Kind.SPENT, self.reason, self.account_type)
        return Posting(self.customer_id, basis, now, self.cause, (-points,))

    def confirmed_by(self, posting_id: UUID, points: int, now: datetime) -> "Hold":
        """The hold once it was spent."""
        return replace(self, status="confirmed", confirmed=points, resolved_at=now, posting_id=posting_id)

    def given_back(self, status: Literal["released", "timed_out"], now: datetime) -> "Hold":
        """The hold once its points are available again."""
        return replace(self, status=status, resolved_at=now)
