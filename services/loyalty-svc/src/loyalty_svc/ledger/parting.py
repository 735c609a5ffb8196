"""The heart of splits: which lots go with a customer who was one with another and is himself again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_svc.ledger.posting import Balance

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
    """What goes with him in one account type; the totals are lifetime sums."""

    account_type: str
    last_at: datetime
    available: int
    pending: int
    earned: int
    spent: int
    expired: int
    reversed: int

    @property
    def is_nothing(self) -> bool:
        return not any(self[2:])


class Sums(NamedTuple):
    """What was posted in one account type: `amount` in all, and the sums by what it did (>= 0)."""

    amount: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    reversed: int = 0


def share_of(
    account_type: str, account: Balance, kept: Sums, lots: Sequence[EarnedLot], *, is_spendable: bool, last_at: datetime
) -> Share:
    """His share of an account: of one that lots are kept of what is left in them, of others what exceeds `kept`.

    account: the survivor's as it is. kept: what was posted for those who stay with him, so that the rest of the totals
    is the other's, and nothing where he has taken it along already.
    """
    if is_spendable:
        available = sum(lot.remaining for lot in lots if not lot.is_pending)
        pending = sum(lot.remaining for lot in lots if lot.is_pending)
    else:
        available, pending = account.available + account.pending + account.reserved - kept.amount, 0
    return Share(
        account_type,
        last_at,
        available,
        pending,
        account.earned_total - kept.earned,
        account.spent_total - kept.spent,
        account.expired_total - kept.expired,
        account.reversed_total - kept.reversed,
    )
