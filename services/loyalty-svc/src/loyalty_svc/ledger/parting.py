"""The heart of splits: which lots go with a customer who was one with another and is himself again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class EarnedLot(NamedTuple):
    """A lot that he earned, in the account of the other; `remaining` may be 0."""

    posting_id: UUID
    account_type: str
    remaining: int
    is_pending: bool
    earned_at: datetime
    expires_at: datetime | None


def going(lots: Iterable[EarnedLot], *, free: int, reserved: int) -> list[EarnedLot]:
    """Those of the lots, of one account, that go with him who earned them.

    free: `available + reserved` of the account. What is reserved stays, and is paid by the lots of him who stays as far
    as they reach; then of the other's those stay, whole, that would be spent first.
    """
    found = sorted(lots, key=lambda lot: (lot.expires_at or _NEVER, lot.earned_at, lot.posting_id))
    missing = reserved - (max(free, 0) - sum(lot.remaining for lot in found if not lot.is_pending))
    out = []
    for lot in found:
        if not lot.is_pending and lot.remaining and missing > 0:
            missing -= lot.remaining
        else:
            out.append(lot)
    return out


class Share(NamedTuple):
    """What goes with him in one account type; the totals are lifetime sums of what was posted for him."""

    account_type: str
    last_at: datetime
    available: int
    pending: int
    earned: int
    spent: int
    expired: int
    reversed: int


class Posted(NamedTuple):
    """What was ever posted for him in one account type: `amount` in all, and the sums by what it did (>= 0)."""

    account_type: str
    last_at: datetime
    amount: int
    earned: int
    spent: int
    expired: int
    reversed: int


def share_of(posted: Posted, lots: Sequence[EarnedLot], *, is_spendable: bool) -> Share:
    """His share of an account: of one that lots are kept of what is left in them, of others all that was posted."""
    if is_spendable:
        available = sum(lot.remaining for lot in lots if not lot.is_pending)
        pending = sum(lot.remaining for lot in lots if lot.is_pending)
    else:
        available, pending = posted.amount, 0
    return Share(
        posted.account_type,
        posted.last_at,
        available,
        pending,
        posted.earned,
        posted.spent,
        posted.expired,
        posted.reversed,
    )
