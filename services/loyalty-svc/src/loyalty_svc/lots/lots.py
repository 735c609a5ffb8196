"""The heart of lots: which points are spent first, taken back, come of age and expire.

An account's open lots hold what it holds: those that are available sum to `available + reserved` (to nothing while more
was spent than there is), the pending ones to `pending`. What leaves an account leaves the lots that expire first, the
earliest earned first; what is taken back leaves the lots of its own cause, as long as they have any. Expired points
whose reason falls away count as taken back, whichever became known first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Lot:
    """What is left of one award in one account; `amount = remaining + reversed + expired + what was spent`.

    expires_at: None for never. expiries: how often some of it expired or came back. cause_id, cause_part: of its award.
    """

    posting_id: UUID
    customer_id: UUID
    account_type: str
    cause_id: UUID
    cause_part: str
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    amount: int
    remaining: int
    reversed: int
    expired: int
    expiries: int
    is_pending: bool
    is_changed: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether it holds points that have expired."""
        return self.remaining > 0 and not self.is_pending and self.expires_at is not None and self.expires_at <= now


class Reversal(NamedTuple):
    """Points (> 0) that are taken back because of a cause."""

    cause_id: UUID
    cause_part: str
    points: int


class Expired(NamedTuple):
    """Points of a lot expired (> 0), or came back (< 0); `turn` counts these of one lot.

    undoes: when what came back had expired, where the lot lives on; None for what came back to be taken back.
    """

    lot: Lot
    points: int
    turn: int
    undoes: datetime | None = None


@dataclass(slots=True)
class Change:
    """What happened to an account when its lots were settled.

    ripened: points that went from pending to available, by the lot. expired: in this order. written_off: the debt that
    the programme's loss account took.
    """

    ripened: list[tuple[Lot, int]] = field(default_factory=list)
    from_pending: int = 0
    expired: list[Expired] = field(default_factory=list)
    written_off: int = 0

    @property
    def available(self) -> int:
        """What `available` gains."""
        return self.from_pending - sum(one.points for one in self.expired) + self.written_off


def settle(
    lots: Sequence[Lot],
    *,
    free: int,
    reserved: int,
    reversals: Iterable[Reversal] = (),
    revived: Mapping[UUID, datetime] = MappingProxyType({}),
    now: datetime | None = None,
    confirms: bool = False,
    writes_off: bool = False,
) -> Change:
    """Bring the lots of one account to what it holds; lots are changed in place.

    free: `available + reserved` as it is, what leaves the account having left it. Without `now` nothing comes of age or
    expires. revived: lots that live on after all, by their postings, and when they had expired. What has expired pays
    for nothing any more, but for what a hold has kept: when that is confirmed (`confirms`) it is spent first.
    """
    change = Change()
    for lot in lots:
        if lot.posting_id in revived:
            _revive(lot, revived[lot.posting_id], change)
    for reversal in reversals:
        _take_back(lots, reversal, change)
    if now is not None:
        _ripen(lots, now, change)
    if now is not None and not confirms:
        _expire(lots, reserved, now, change)
    free += change.available
    left = sum(lot.remaining for lot in lots if not lot.is_pending)
    _consume(lots, left - max(free, 0), None if confirms else now)
    if now is not None and confirms:
        _expire(lots, reserved, now, change)
    if writes_off and free < 0:
        change.written_off = -free
    return change


def _revive(lot: Lot, expired_at: datetime, change: Change) -> None:
    points, lot.expired = lot.expired, 0
    lot.remaining += points
    _note(lot, -points, change, undoes=expired_at)


def _take_back(lots: Sequence[Lot], reversal: Reversal, change: Change) -> None:
    """Take from the lots of the cause what they have, expired or not; the rest is the whole account's."""
    own = [lot for lot in lots if lot.cause_id == reversal.cause_id]
    same = [lot for lot in own if lot.cause_part == reversal.cause_part]
    points = reversal.points
    for lot in sorted(same or own, key=lambda lot: (lot.cause_part, lot.posting_id)):
        taken = min(points, lot.remaining)
        if taken:
            lot.remaining -= taken
            lot.reversed += taken
            lot.is_changed = True
            if lot.is_pending:
                change.from_pending += taken
                lot.is_pending = lot.remaining > 0
        back = min(points - taken, lot.expired)
        if back:
            lot.expired -= back
            lot.reversed += back
            _note(lot, -back, change)
        points -= taken + back


def _ripen(lots: Iterable[Lot], now: datetime, change: Change) -> None:
    for lot in lots:
        if lot.is_pending and lot.available_at <= now:
            lot.is_pending, lot.is_changed = False, True
            change.from_pending += lot.remaining
            change.ripened.append((lot, lot.remaining))


def _consume(lots: Iterable[Lot], points: int, due_last_at: datetime | None) -> None:
    """Spend so many points, those that expire first before all others."""
    if points <= 0:
        return
    for lot in sorted(lots, key=lambda lot: (due_last_at is not None and lot.is_due(due_last_at), *_order(lot))):
        if lot.is_pending or not lot.remaining:
            continue
        taken = min(points, lot.remaining)
        lot.remaining -= taken
        lot.is_changed = True
        points -= taken
        if not points:
            return


def _expire(lots: Iterable[Lot], reserved: int, now: datetime, change: Change) -> None:
    """Expire what is due but for what is reserved: a hold keeps those points that would be spent first."""
    due = sorted((lot for lot in lots if lot.is_due(now)), key=_order)
    kept = max(reserved, 0)
    for lot in due:
        spared = min(kept, lot.remaining)
        kept -= spared
        points = lot.remaining - spared
        if points:
            lot.remaining -= points
            lot.expired += points
            _note(lot, points, change)


def _note(lot: Lot, points: int, change: Change, *, undoes: datetime | None = None) -> None:
    lot.expiries += 1
    lot.is_changed = True
    change.expired.append(Expired(lot, points, lot.expiries, undoes))


def _order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    """The earliest expiry first, then the earliest earned."""
    return lot.expires_at or _NEVER, lot.earned_at, lot.posting_id
