"""What goes out over HTTP from the ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from loyalty_svc.ledger.audit import Audit


class CauseOut(BaseModel):
    """Why a posting was made."""

    event_id: str
    order_id: str | None
    rule: str | None


class PostingOut(BaseModel):
    """One movement of a customer's account; `at` is when its cause happened, `amount` is negative when points went.

    balance_after: what he and all who are one with him by now held then; the newest one's is what there is.
    """

    id: UUID
    at: datetime
    kind: str
    account_type: str
    amount: int
    balance_after: int
    cause: CauseOut
    reason: str

    @classmethod
    def of(cls, row: Row[Any]) -> "PostingOut":
        """From a row of `queries.postings_of`."""
        return cls(
            id=row.id,
            at=row.at,
            kind=row.kind,
            account_type=row.account_type,
            amount=row.amount,
            balance_after=row.balance_after,
            cause=CauseOut(event_id=row.event_id, order_id=row.order_id, rule=row.rule),
            reason=row.reason,
        )


class ViolationOut(BaseModel):
    """An invariant that does not hold, with the first few places."""

    invariant: str
    count: int
    examples: list[dict[str, Any]]


class TotalsOut(BaseModel):
    """Sums over all customers in one account type."""

    earned: int = 0
    reversed: int = 0
    spent: int = 0
    expired: int = 0
    adjusted: int = 0
    available: int = 0
    pending: int = 0
    reserved: int = 0


class AuditOut(BaseModel):
    """The ledger recomputed now; `violations` names only what is violated."""

    accounts: int
    postings: int
    entries: int
    violations: list[ViolationOut]
    totals: dict[str, TotalsOut]

    @classmethod
    def of(cls, audit: Audit) -> "AuditOut":
        """From a recomputation; points are always told of, even before the first."""
        return cls(
            accounts=audit.accounts,
            postings=audit.postings,
            entries=audit.entries,
            violations=[
                ViolationOut(invariant=v.invariant, count=v.times, examples=list(v.examples)) for v in audit.violations
            ],
            totals={"points": TotalsOut()} | {type_: TotalsOut(**sums) for type_, sums in audit.totals.items()},
        )
