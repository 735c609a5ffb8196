"""The heart of adjustments: who may correct what, and what it books."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from loyalty_svc.accounts.types import AccountType
from loyalty_svc.adjustments.problems import AdjustmentDecided, SecondPersonNeeded
from loyalty_svc.ledger.giving import basis_of
from loyalty_svc.ledger.posting import COMPENSATION, Cause, Kind, Posting

BOOKED: Final = "staff.adjusted"
"""The reason of its posting; what staff wrote stays here, for events carry no words about people."""
Status = Literal["waiting", "booked", "refused"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction somebody asked for; a negative amount takes. waiting: for a second person."""

    id: UUID
    customer_id: UUID
    account_type: str
    amount: int
    reason: str
    status: Status
    asked_by: str
    asked_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    posting_id: UUID | None = None

    def needs_second(self, type_: AccountType) -> bool:
        """Whether it is above what one person may do."""
        return abs(self.amount) > type_.approval_above

    def decided(self, status: Status, *, by: str, note: str | None, at: datetime) -> "Adjustment":
        """What a second person made of it. Raises AdjustmentDecided, SecondPersonNeeded."""
        if self.status != "waiting":
            raise AdjustmentDecided(adjustment_status=self.status)
        if by == self.asked_by:
            raise SecondPersonNeeded
        return replace(self, status=status, decided_by=by, decided_at=at, note=note)

    def posting(self, at: datetime) -> Posting:
        """What books it."""
        basis = basis_of(Kind.ADJUSTED, BOOKED, self.account_type, programme=COMPENSATION)
        return Posting(self.customer_id, basis, at, Cause(self.id, "", str(self.id)), (self.amount,))
