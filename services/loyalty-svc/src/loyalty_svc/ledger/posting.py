"""The heart of the ledger: what a posting is, and what a run of postings does to the accounts it touches.

Double entry by construction: an entry names an amount and the two accounts it moves between, so a posting that does not
sum to zero cannot be said. Points given to a customer come from the programme's liability (it owes them now), points
taken back or spent return there, what expires goes to breakage, a merge or a split moves points between two customers.
Nothing here knows of orders, tables or clocks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import Expiry

LIABILITY: Final = "liability"
"""The programme account that owes what customers hold."""
BREAKAGE: Final = "breakage"
"""Takes what expires."""
COMPENSATION: Final = "compensation"
"""The other side of what staff give and take."""
LOSS: Final = "loss"
"""Pays what was spent before its reason fell away, where the account type writes debts off."""

AccountKey = tuple[UUID, str]
"""Customer and account type."""


class Kind(StrEnum):
    """What a posting does."""

    EARNED = "earned"
    REVERSED = "reversed"
    SPENT = "spent"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"
    TRANSFERRED = "transferred"


class NothingMoves(ValueError):
    """A posting of zero, or in no account type; it is never stored."""


class Basis(NamedTuple):
    """What postings have in common: what they do and by which rule, in which account types.

    rule: `<code>@<version>`. matched: the conditions that matched, as JSON pointers into the rule's document.
    programme: the account on the other side. Of an award only: `pending`, how long after its instant the points can be
    spent; `expires`, when they expire, where that is not as their account type says.
    """

    kind: Kind
    reason: str
    account_types: tuple[str, ...]
    rule: str | None = None
    matched: str | None = None
    programme: str = LIABILITY
    pending: timedelta | None = None
    expires: Expiry | None = None


class Cause(NamedTuple):
    """Why: `id` with `part` and the posting's kind is unique for ever, so that nothing is posted twice."""

    id: UUID
    part: str
    event_id: str
    order_id: str | None = None


class Posting(NamedTuple):
    """A movement that was decided; `at` is when its cause happened in the world, aware UTC.

    amounts: for each account type of the basis what the customer gains, negative what he loses, never 0; the other side
    is the customer `other_id`, or without one the programme's liability.
    """

    customer_id: UUID
    basis: Basis
    at: datetime
    cause: Cause
    amounts: tuple[int, ...]
    other_id: UUID | None = None


@dataclass(slots=True)
class Balance:
    """A customer's account. Totals are lifetime sums; `last_at` is the latest instant among its postings."""

    last_at: datetime
    available: int = 0
    pending: int = 0
    reserved: int = 0
    earned_total: int = 0
    spent_total: int = 0
    expired_total: int = 0
    reversed_total: int = 0


@dataclass(slots=True)
class Touched:
    """An account that a run of postings touches: what the run adds to it and, once stored, what it came to.

    last_at: the latest instant in the run. before_at: the latest before it, None for a new account. pending: how much
    of what was earned cannot be spent yet. balance: points after the run, pending and reserved ones too;
    reversed_total: what was ever taken back; walked_back: how far `balances` is from the balance. owed_before: whether
    more had been spent than there was. is_due: whether something in the run has expired by now. corrections: what
    followed from the run, still to be announced.
    """

    customer_id: UUID
    account_type: str
    last_at: datetime
    earned: int = 0
    reversed: int = 0
    adjusted: int = 0
    pending: int = 0
    before_at: datetime | None = None
    balance: int = 0
    reversed_total: int = 0
    walked_back: int = 0
    owed_before: bool = False
    is_due: bool = False
    corrections: Sequence["Posted"] = ()

    @property
    def key(self) -> AccountKey:
        """Customer and account type."""
        return self.customer_id, self.account_type


class Posted(NamedTuple):
    """A posting as it was stored, with the account of each of its amounts and the balance that it left there.

    The accounts know what the whole run came to.
    """

    id: UUID
    posting: Posting
    accounts: Sequence[Touched]
    balances: Sequence[int]


def owed(customer_id: UUID, basis: Basis, points: int, *, at: datetime, cause: Cause) -> Posting:
    """The programme owes the customer so many points (not 0) more, or less, in each account type of the basis."""
    return Posting(customer_id, basis, at, cause, (points,) * len(basis.account_types))


def transferred(
    from_id: UUID,
    to_id: UUID,
    held: Mapping[str, int],
    *,
    at: datetime,
    cause: Cause,
    reason: str = "customer.merged",
) -> Posting:
    """What `from_id` holds goes to `to_id`; `held` by account type, those of zero are left out."""
    moved = {type_: amount for type_, amount in sorted(held.items()) if amount}
    basis = Basis(Kind.TRANSFERRED, reason, tuple(moved))
    return Posting(to_id, basis, at, cause, tuple(moved.values()), from_id)


def alike(postings: Sequence[Posting]) -> Collection[list[int]]:
    """The places of postings whose bases differ in reason, rule and matched conditions at most.

    They are stored together: what one event gives stands side by side then, and so do its rows and their places in
    indexes. Bases are looked at by identity first, since callers keep theirs and hashing one is slow.
    """
    found: dict[tuple[object, ...], list[int]] = {}
    known: dict[int, list[int]] = {}
    for place, posting in enumerate(postings):
        basis = posting.basis
        places = known.get(id(basis))
        if places is None:
            same = (basis.kind, basis.account_types, basis.programme, basis.pending, basis.expires)
            places = known[id(basis)] = found.setdefault(same, [])
        places.append(place)
    return found.values()


def add_up(postings: Iterable[Posting]) -> tuple[list[Touched], list[list[Touched]]]:
    """The accounts that postings touch: each once, and for each posting its own.

    Raises NothingMoves for a posting that moves nothing.
    """
    found: dict[UUID, dict[str, Touched]] = {}
    places: list[list[Touched]] = []
    for customer_id, basis, at, cause, amounts, _ in postings:
        if not amounts or 0 in amounts:
            raise NothingMoves(f"{basis.kind} because of {basis.reason} {cause.id}")
        own = found.get(customer_id)
        if own is None:
            own = found[customer_id] = {}
        kind = basis.kind
        touched: list[Touched] = []
        for account_type, amount in zip(basis.account_types, amounts, strict=True):
            account = own.get(account_type)
            if account is None:
                account = own[account_type] = Touched(customer_id, account_type, at)
            elif at > account.last_at:
                account.last_at = at
            if kind is Kind.EARNED:
                account.earned += amount
            elif kind is Kind.REVERSED:
                account.reversed -= amount
            else:
                account.adjusted += amount
            touched.append(account)
        places.append(touched)
    return [account for own in found.values() for account in own.values()], places


def balances(postings: Sequence[Posting], accounts: Sequence[Sequence[Touched]]) -> list[list[int]]:
    """What each posting left in each of its accounts.

    The accounts know their balance after the last posting; it is walked back from there, so that accounts need not be
    read before they are written.
    """
    out: list[list[int]] = []
    for posting, touched in zip(reversed(postings), reversed(accounts), strict=True):
        left: list[int] = []
        for amount, account in zip(posting.amounts, touched, strict=True):
            left.append(account.walked_back)
            account.walked_back -= amount
        out.append(left)
    out.reverse()
    return out
