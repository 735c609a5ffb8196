"""What adjustments do inside the transaction they are given."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from moat.kit.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction somebody asked for. amount: negative takes. status: waiting (for a second one), booked, refused."""

    id: UUID
    customer_id: UUID
    account_type: str
    amount: int
    reason: str
    status: str
    revision: int
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    posting_id: UUID | None


async def adjust(
    tx: Transaction, customer_id: UUID, account_type: str, amount: int, *, reason: str, by: str, now: datetime
) -> Adjustment:
    """Correct a spendable account by `amount` (not 0), at once or, above the type's limit, when a second person agrees.

    Publishes `points.adjusted` when it is booked. Raises InsufficientPoints, UnknownAccountType, NotSpendable.
    """
    raise NotImplementedError
