"""The heart of the ledger: what a posting is, and what a run of postings does to the accounts it touches.

Every posting sums to zero in each account type. Points given to a customer are a liability of the programme, points
taken back reduce it; a merge moves them between customers. Nothing here knows of orders, tables or the present time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import md5
from typing import Final, NamedTuple
from uuid import UUID

LIABILITY: Final = "liability"
"""The programme account that owes what customers hold."""

AccountKey = tuple[UUID, str]
"""Customer and account type."""


class Kind(StrEnum):
    """What a posting does."""

    EARNED = "earned"
    REVERSED = "reversed"
    TRANSFERRED = "transferred"


class Unbalanced(ValueError):
    """A posting whose entries do not sum to zero; it is never stored."""


class Leg(NamedTuple):
    """One side of a posting: a customer's account, or (customer None) one of the programme's."""

    customer_id: UUID | None
    account_type: str
    amount: int
    programme: str | None = None


class Cause(NamedTuple):
    """Why: `id` with `part` and the posting's kind is unique for ever, so that nothing is posted twice."""

    id: UUID
    part: str
    reason: str
    event_id: str
    order_id: str | None = None
    rule: str | None = None
    matched: str | None = None


class Posting(NamedTuple):
    """A movement that was decided; `at` is when its cause happened in the world, aware UTC."""

    customer_id: UUID
    kind: Kind
    at: datetime
    cause: Cause
    legs: tuple[Leg, ...]


@dataclass(slots=True)
class Balance:
    """A customer's account, or a change of it. Totals are lifetime sums, never negative in an account."""

    last_at: datetime
    available: int = 0
    pending: int = 0
    reserved: int = 0
    earned_total: int = 0
    spent_total: int = 0
    expired_total: int = 0
    reversed_total: int = 0

    def add(self, other: "Balance", sign: int = 1) -> None:
        """Add (or with sign -1 take away) every amount of `other`; the later instant stays."""
        self.last_at = max(self.last_at, other.last_at)
        self.available += sign * other.available
        self.pending += sign * other.pending
        self.reserved += sign * other.reserved
        self.earned_total += sign * other.earned_total
        self.spent_total += sign * other.spent_total
        self.expired_total += sign * other.expired_total
        self.reversed_total += sign * other.reversed_total


class Entry(NamedTuple):
    """A leg as it is stored: numbered from 1, with the balance that it left."""

    leg: int
    customer_id: UUID | None
    account_type: str
    amount: int
    balance_after: int | None
    programme: str | None


def earned(customer_id: UUID, points: int, account_types: Sequence[str], *, at: datetime, cause: Cause) -> Posting:
    """The programme owes `points` (> 0) more, in each of the account types."""
    return Posting(customer_id, Kind.EARNED, at, cause, _owed(customer_id, points, account_types))


def taken_back(customer_id: UUID, points: int, account_types: Sequence[str], *, at: datetime, cause: Cause) -> Posting:
    """The programme owes `points` (> 0) less, in each of the account types, because their reason fell away."""
    return Posting(customer_id, Kind.REVERSED, at, cause, _owed(customer_id, -points, account_types))


def transferred(from_id: UUID, to_id: UUID, balances: Mapping[str, int], *, at: datetime, cause: Cause) -> Posting:
    """All that `from_id` holds goes to `to_id`; balances by account type, those of zero are left out."""
    legs = tuple(
        leg
        for account_type, held in sorted(balances.items())
        if held
        for leg in (Leg(from_id, account_type, -held), Leg(to_id, account_type, held))
    )
    return Posting(to_id, Kind.TRANSFERRED, at, cause, legs)


def _owed(customer_id: UUID, points: int, account_types: Sequence[str]) -> tuple[Leg, ...]:
    if len(account_types) == 2:  # the usual case, written out: it runs for each order of a batch
        one, two = account_types
        return (
            Leg(customer_id, one, points),
            Leg(None, one, -points, LIABILITY),
            Leg(customer_id, two, points),
            Leg(None, two, -points, LIABILITY),
        )
    return tuple(
        leg
        for account_type in account_types
        for leg in (Leg(customer_id, account_type, points), Leg(None, account_type, -points, LIABILITY))
    )


def check(posting: Posting) -> None:
    """Raise Unbalanced unless the posting moves something and sums to zero in each account type."""
    sums: dict[str, int] = {}
    for leg in posting.legs:
        sums[leg.account_type] = sums.get(leg.account_type, 0) + leg.amount
    if not sums or any(sums.values()):
        raise Unbalanced(f"{posting.kind} because of {posting.cause.reason} {posting.cause.id} sums to {sums}")


def changes(postings: Iterable[Posting]) -> dict[AccountKey, Balance]:
    """What the postings add up to, for each customer's account they touch. Transfers carry no lifetime totals here."""
    out: dict[AccountKey, Balance] = {}
    for posting in postings:
        check(posting)
        kind = posting.kind
        for customer_id, account_type, amount, _ in posting.legs:
            if customer_id is None:
                continue
            key = (customer_id, account_type)
            change = out.get(key)
            if change is None:
                change = out[key] = Balance(posting.at)
            elif posting.at > change.last_at:
                change.last_at = posting.at
            change.available += amount
            if kind is Kind.EARNED:
                change.earned_total += amount
            elif kind is Kind.REVERSED:
                change.reversed_total -= amount
    return out


def entries(postings: Sequence[Posting], available: Mapping[AccountKey, int]) -> list[list[Entry]]:
    """The entries of each posting, with the balance that each left.

    `available` holds the balances after the last posting; they are walked back from there, so that the accounts
    need not be read before they are written.
    """
    after = dict(available)
    out: list[list[Entry]] = []
    for posting in reversed(postings):
        number = len(posting.legs)
        rows: list[Entry] = []
        for customer_id, account_type, amount, programme in reversed(posting.legs):
            balance: int | None = None
            if customer_id is not None:
                key = (customer_id, account_type)
                balance = after[key]
                after[key] = balance - amount
            rows.append(Entry(number, customer_id, account_type, amount, balance, programme))
            number -= 1
        rows.reverse()
        out.append(rows)
    out.reverse()
    return out


def seal(posting_id: UUID, posting: Posting, rows: Iterable[Entry]) -> UUID:
    """A digest of what must never change; it finds accidents and edits by hand, it is no proof against forgers.

    The audit recomputes the same text in SQL (`audit.py`).
    """
    amounts = ",".join([f"{row.amount}:{'' if row.balance_after is None else row.balance_after}" for row in rows])
    text = f"{posting.kind.value}|{posting.cause.part}|{amounts}".encode()
    whole = posting_id.bytes + posting.customer_id.bytes + posting.cause.id.bytes + text
    return UUID(bytes=md5(whole, usedforsecurity=False).digest())
