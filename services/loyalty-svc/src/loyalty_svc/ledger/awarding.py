"""The heart of awards: which lots a run of postings begins, when they expire, and what of them must wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from loyalty_svc.accounts.types import AccountTypes, InactivityExpiry, NeverExpires, RollingExpiry, expires_at
from loyalty_svc.ledger.posting import Basis, Kind, Posting, Touched, alike

_BEGINS_LOTS: Final = frozenset({Kind.EARNED, Kind.ADJUSTED})


class NowUnknown(ValueError):
    """What waits was posted without saying what time it is."""


@dataclass(frozen=True, slots=True)
class NewLots:
    """The lots of postings that are alike: one for each posting and type.

    places: of the types among the basis's, from 1. days: how long each lives, None for ever. expires: instead, the
    instant of each lot, posting by posting, where days do not say it. idle_days: as `expires`, where a type lives on
    activity: after how many days without an award each ends, 0 for one that only keeps others alive, None beside.
    """

    types: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    days: tuple[int | None, ...] = ()
    expires: tuple[datetime | None, ...] | None = None
    idle_days: tuple[int | None, ...] | None = None


class Run(NamedTuple):
    """Postings that are alike: the basis of the first, their places among all, and the lots they begin."""

    basis: Basis
    places: Sequence[int]
    lots: NewLots


_NO_LOTS: Final = NewLots()


def runs(postings: Sequence[Posting], types: AccountTypes) -> list[Run]:
    """The postings that are alike, with their lots. Raises UnknownAccountType."""
    found = []
    for places in alike(postings):
        basis = postings[places[0]].basis
        lots = _lots(basis, [postings[place].at for place in places], types)
        found.append(Run(basis, places, lots))
    return found


def _lots(basis: Basis, earned_at: Sequence[datetime], types: AccountTypes) -> NewLots:
    spendable = tuple(type_ for type_ in basis.account_types if types.is_spendable(type_))
    if basis.kind not in _BEGINS_LOTS or not spendable:
        return _NO_LOTS
    places = tuple(basis.account_types.index(type_) + 1 for type_ in spendable)
    if not types.living_on_activity().isdisjoint(spendable):
        return _kept_alive(basis, earned_at, spendable, places, types)
    if basis.expires is None and all(types.has_one_version(type_) for type_ in spendable):
        policies = [types.at(type_, earned_at[0]).expiry for type_ in spendable]
    else:
        policies = [basis.expires] if basis.expires is not None else []
        policies *= len(spendable)
    if policies and all(isinstance(one, NeverExpires | RollingExpiry | InactivityExpiry) for one in policies):
        days = tuple(None if isinstance(one, NeverExpires) else one.days for one in policies)  # type: ignore[union-attr]
        return NewLots(spendable, places, days)
    instants = tuple(
        expires_at(basis.expires or types.at(type_, at).expiry, at) for at in earned_at for type_ in spendable
    )
    return NewLots(spendable, places, (None,) * len(spendable), instants)


def _kept_alive(
    basis: Basis,
    earned_at: Sequence[datetime],
    spendable: tuple[str, ...],
    places: tuple[int, ...],
    types: AccountTypes,
) -> NewLots:
    """Lots in types of which one at least lives on activity; until when each does alone, others not yet looked at."""
    living = types.living_on_activity()
    found = [
        (at, basis.expires or types.at(type_, at).expiry, type_ in living) for at in earned_at for type_ in spendable
    ]
    instants = tuple(expires_at(expiry, at) for at, expiry, _ in found)
    # An expiry that a rule or a gift brings along stands, whatever follows.
    is_own = basis.expires is not None
    idle = tuple(
        (0 if is_own or not isinstance(expiry, InactivityExpiry) else expiry.days) if lives else None
        for _, expiry, lives in found
    )
    return NewLots(spendable, places, (None,) * len(spendable), instants, idle)


def judge(
    postings: Sequence[Posting], accounts: Sequence[Sequence[Touched]], run: Run, now: datetime | None
) -> set[datetime]:
    """Tell the accounts what of a run waits or has expired by now; the instants at which what waits comes of age.

    accounts: of every posting, as `add_up` found them. Raises NowUnknown for an award that waits, without `now`.
    """
    basis, places, lots = run
    if now is None:
        if basis.pending and lots.types:
            raise NowUnknown(basis.reason)
        return set()
    _judge_expiry(postings, accounts, run, now)
    waits: set[datetime] = set()
    if basis.pending:
        for place in places:
            available_at = postings[place].at + basis.pending
            if available_at > now:
                waits.add(available_at)
                for index in lots.places:
                    accounts[place][index - 1].pending += postings[place].amounts[index - 1]
    return waits


def _judge_expiry(postings: Sequence[Posting], accounts: Sequence[Sequence[Touched]], run: Run, now: datetime) -> None:
    lots = run.lots
    width = len(lots.types)
    for number, (index, days) in enumerate(zip(lots.places, lots.days, strict=True)):
        if lots.expires is not None:
            for row, place in enumerate(run.places):
                instant = lots.expires[row * width + number]
                if instant is not None and instant <= now:
                    accounts[place][index - 1].is_due = True
        elif days is not None:
            oldest = now - timedelta(days=days)
            for place in run.places:
                if postings[place].at <= oldest:
                    accounts[place][index - 1].is_due = True


def minute_after(instant: datetime) -> datetime:
    """The whole minute at or after an instant: points come of age by the minute."""
    down = instant.replace(second=0, microsecond=0)
    return down if down == instant else down + timedelta(minutes=1)
