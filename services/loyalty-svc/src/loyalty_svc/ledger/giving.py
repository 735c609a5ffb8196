"""The heart of points given and taken by other features: gifts, and what the lots of an account came to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_svc.accounts.types import Expiry
from loyalty_svc.ledger.posting import BREAKAGE, LIABILITY, LOSS, AccountKey, Basis, Cause, Kind, Posting
from loyalty_svc.lots.lots import Change
from moat.kit.ids import uuid7

REVIVED: Final = "points.revived"
"""The reason of what had expired and lives on after all."""


@lru_cache(maxsize=1024)
def basis_of(
    kind: Kind,
    reason: str,
    account_type: str,
    rule: str | None = None,
    programme: str = LIABILITY,
    expires: Expiry | None = None,
    pending: timedelta | None = None,
) -> Basis:
    """A basis in one account type; one object for equal ones, which are stored together."""
    return Basis(kind, reason, (account_type,), rule, None, programme, pending, expires)


class Gift(NamedTuple):
    """Points (> 0) that a feature gives. at: when their reason came about; rule: `<code>@<version>`.

    cause: what is given once for ever, (id, part). pending: how long after `at` they can be spent; expires: instead of
    what the account type says.
    """

    customer_id: UUID
    account_type: str
    points: int
    at: datetime
    reason: str
    rule: str | None
    cause: Cause
    expires: Expiry | None = None
    pending: timedelta | None = None

    def posting(self) -> Posting:
        """What gives it."""
        basis = basis_of(
            Kind.EARNED, self.reason, self.account_type, self.rule, expires=self.expires, pending=self.pending
        )
        return Posting(self.customer_id, basis, self.at, self.cause, (self.points,))


class TakeBack(NamedTuple):
    """What a gift gave goes back; `cause` is the gift's (id and part), its event the one that led here."""

    at: datetime
    reason: str
    cause: Cause


def corrections_of(key: AccountKey, change: Change, at: datetime) -> Iterator[Posting]:
    """The postings of what expired in an account, came back, or was written off at an instant."""
    customer_id, account_type = key
    for lot, points, turn, undoes in change.expired:
        reason = "points.expired" if points > 0 else REVIVED if undoes else "points.expired_and_taken_back"
        basis = basis_of(Kind.EXPIRED, reason, account_type, programme=BREAKAGE)
        expired_at = undoes or lot.expires_at or at
        # One award may have given in several types, each a lot.
        cause = Cause(lot.posting_id, f"{account_type} {turn}", "")
        yield Posting(customer_id, basis, expired_at, cause, (-points,))
    if change.written_off:
        basis = basis_of(Kind.ADJUSTED, "debt.written_off", account_type, programme=LOSS)
        yield Posting(customer_id, basis, at, Cause(uuid7(), "", ""), (change.written_off,))
