"""The heart's workbench: what happened in a batch with all that judging it needs, and what was decided of it.

One batch, one bench. A decision is made once for an event, although the order it belongs to may have to be folded
again, so that no limit counts it twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.earning.judging import NOTHING, WITH_BASE, Book, Decided, Judge, Limited
from loyalty_svc.earning.limits import Counter, Key


class Happening(NamedTuple):
    """An event as rules see it. on: its type, `order.paid`; cause_id: what is rewarded once by each rule.

    judge: the versions valid when it happened; None when there was no programme.
    """

    on: str
    customer_id: UUID
    at: datetime
    cause_id: UUID
    event_id: str
    order_id: str | None
    row: dict[str, Any]
    judge: Judge | None


class AwardNote(NamedTuple):
    """An award worth a note, as it is kept; fields as the table `award` has them."""

    customer_id: UUID
    cause_id: UUID
    at: datetime
    wanted: int
    points: int
    status: str
    code: str
    rule: str
    event_type: str
    event_id: str
    order_id: str | None
    matched: str
    cut_by: str | None

    @property
    def base(self) -> str | None:
        """The code of the rule on whose held award it is on top, to be decided with it; None where it stands alone."""
        if self.cut_by is None or not self.cut_by.startswith(WITH_BASE):
            return None
        return self.cut_by.removeprefix(WITH_BASE)


@dataclass(slots=True)
class Bench:
    """Happenings by their place in the batch, who judges each, and the counters that are held."""

    book: Book
    happenings: Mapping[int, Happening]
    counters: dict[Key, Counter] = field(default_factory=dict)
    decided: dict[int, Decided] = field(default_factory=dict)
    matched: dict[int, list[Limited]] = field(default_factory=dict)

    def judges(self) -> set[Judge]:
        """Everybody who judges something here."""
        return {one.judge for one in self.happenings.values() if one.judge is not None}

    def keys(self) -> list[Key]:
        """The counters that have to be held before anything is decided; matches what limits are about."""
        keys: dict[Key, None] = {}
        for place, one in self.happenings.items():
            judge = one.judge
            if judge is not None and judge.has_limits:
                limited = self.matched[place] = judge.limited(
                    judge.matches(one.on, one.row, one.at), one.customer_id, one.at
                )
                for _, own in limited:
                    keys.update(dict.fromkeys(own))
        return list(keys)

    def decide(self, place: int) -> Decided:
        """What it earns; the same each time it is asked."""
        known = self.decided.get(place)
        if known is not None:
            return known
        one = self.happenings[place]
        judge, decided = one.judge, NOTHING
        if judge is not None and judge.has_limits:
            decided = judge.award(self.matched[place], one.at, self.counters)
        elif judge is not None:
            decided = Decided(judge.award_freely(judge.matches(one.on, one.row, one.at)))
        self.decided[place] = decided
        return decided

    def forget(self, place: int) -> None:
        """It was paid by somebody else meanwhile: what was decided of it is not counted."""
        decided = self.decided.pop(place, None)
        if decided is not None:
            for counter, points in decided.counted:
                counter.add(-points, -1, None)

    def notes(self, place: int, *, with_given: bool = False) -> list[AwardNote]:
        """What is worth a note: awards that were cut, refused or held; with `with_given` all of them."""
        decided = self.decided[place]
        if not decided.noted and not with_given:
            return []
        one = self.happenings[place]
        notes = [
            _note(
                one, note.wanted, note.points, _status(note.points, note.is_held), note.rule.ref.code, note.rule.name
            )._replace(matched=note.matched, cut_by=note.cut_by)
            for note in decided.noted
        ]
        if with_given:
            cut = {note.code for note in notes}
            notes += [
                _note(one, award.points, award.points, "given", award.code, award.rule)._replace(matched=award.matched)
                for award in decided.awards
                if award.code not in cut
            ]
        return notes


def _status(points: int, is_held: bool) -> str:
    return "held" if is_held else "cut" if points else "refused"


def _note(one: Happening, wanted: int, points: int, status: str, code: str, rule: str) -> AwardNote:
    return AwardNote(
        one.customer_id,
        one.cause_id,
        one.at,
        wanted,
        points,
        status,
        code,
        rule,
        one.on,
        one.event_id,
        one.order_id,
        "",
        None,
    )
