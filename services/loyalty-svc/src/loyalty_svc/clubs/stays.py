"""The heart of clubs: what the facts about one member of one club come to, in the order in which they happened. Pure.

A stay begins when he joins and goes on, term after term, until it lapses or he leaves. It is computed from all facts
anew, so it does not matter in which order they become known; a fact that fell away was never there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_svc.clubs.club import Club, Value
from loyalty_svc.clubs.histories import History
from loyalty_svc.clubs.terms import Run, Term, days_after
from loyalty_svc.earning.rules import ZoneAt
from moat.kit.documents.kind import Published, valid_at

Kind = Literal["accepted", "paid", "renewed", "left", "removed"]
Way = Literal["invitation", "value", "payment", "staff"]
Ending = Literal["lapsed", "left", "removed"]
WAYS: Final[Mapping[str, Way]] = {"accepted": "invitation", "paid": "payment", "renewed": "staff"}
_VALUE: Final = "value"
# Of what happened at one instant: what gives a term comes before what ends the stay.
_RANK: Final = {"accepted": 0, "paid": 1, "renewed": 2, _VALUE: 3, "left": 4, "removed": 5}


class Fact(NamedTuple):
    """Something that began, prolonged or ended a membership. rule: the version that judged it; terms: how many."""

    at: datetime
    kind: Kind
    id: UUID
    terms: int = 1
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A membership from joining to its end. `ends_at` None is for ever; `lapses_at` is after the days of grace.

    way, rule, renewed_at: of the term that runs, or ran last. counts_from: since when a value counts for the next one.
    """

    joined_at: datetime
    renewed_at: datetime
    way: Way
    rule: str
    ends_at: datetime | None = None
    lapses_at: datetime | None = None
    remind_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: Ending | None = None
    counts_from: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it yet."""
        return self.ended_at is None

    def is_member(self, now: datetime) -> bool:
        """Whether he has the benefits, the days of grace included."""
        return self.is_open and (self.lapses_at is None or now < self.lapses_at)

    def lasts_longer_than(self, other: "Stay") -> bool:
        """Whether its end is later; for ever is latest."""
        if self.ends_at is None or other.ends_at is None:
            return self.ends_at is None and other.ends_at is not None
        return self.ends_at > other.ends_at


def walk(
    versions: Sequence[Published[Club]],
    facts: Sequence[Fact],
    history: History,
    *,
    now: datetime,
    zone_at: ZoneAt,
) -> Stay | None:
    """The stay that runs, or ran last; None for who was never in. versions: of the club, the earliest first."""
    walker = _Walker(versions, history, zone_at)
    steps: list[tuple[datetime, int, int, Fact | None]] = [
        (fact.at, _RANK[fact.kind], fact.id.int, fact) for fact in facts
    ]
    steps += [(at, _RANK[_VALUE], 0, None) for at in _looks(versions, history, now)]
    for at, _, _, fact in sorted(steps, key=lambda step: step[:3]):
        walker.pass_time(at)
        if fact is None:
            walker.look_at_value(at)
        elif fact.kind in {"left", "removed"}:
            walker.end(at, "left" if fact.kind == "left" else "removed")
        else:
            walker.follow(fact)
    walker.pass_time(now)
    return walker.stay


def _looks(versions: Sequence[Published[Club]], history: History, now: datetime) -> set[datetime]:
    """When a value may have been reached: when anything was added, and when a version begins that asks for one."""
    by_value = [version for version in versions if version.value.value is not None]
    if not by_value:
        return set()
    begins = {one.valid_from for one in by_value if one.valid_from is not None and one.valid_from <= now}
    return begins | set(history.instants())


class _Walker:
    def __init__(self, versions: Sequence[Published[Club]], history: History, zone_at: ZoneAt) -> None:
        self.versions = versions
        self.by_rule = {version.value.rule: version.value for version in versions}
        self.history = history
        self.zone_at = zone_at
        self.stay: Stay | None = None
        self.runs: list[Run] = []

    @property
    def open(self) -> Stay | None:
        return self.stay if self.stay is not None and self.stay.is_open else None

    def pass_time(self, to: datetime) -> None:
        stay = self.open
        if stay is not None and stay.lapses_at is not None and stay.lapses_at <= to:
            self.stay = replace(stay, ended_at=stay.lapses_at, ended_by="lapsed")

    def end(self, at: datetime, by: Ending) -> None:
        if self.open is not None:
            self.stay = replace(self.open, ended_at=at, ended_by=by)

    def follow(self, fact: Fact) -> None:
        club = self.by_rule.get(fact.rule or "")
        if club is None or (fact.kind == "renewed" and self.open is None):
            return
        self.give(fact.at, club, fact.terms, WAYS[fact.kind])

    def look_at_value(self, at: datetime) -> None:
        version = valid_at(self.versions, at)
        if version is None or version.value.value is None:
            return
        club, value = version.value, version.value.value
        if value.is_for_life:
            if (self.open is None or self.open.ends_at is not None) and self._has_reached(value, None, at):
                self.give(at, club, 1, "value", for_ever=True)
        elif self.open is None:
            if self._has_reached(value, self._counts_from(club, at), at):
                self.give(at, club, 1, "value")
        elif self.open.ends_at is not None and self._has_reached(value, self._counts_again_from(self.open, at), at):
            self.give(at, club, 1, "value")

    def _has_reached(self, value: Value, after: datetime | None, at: datetime) -> bool:
        # Who said that he leaves, or was shown out, is not taken in again just because he buys.
        if self.stay is not None and self.stay.ended_by in {"left", "removed"}:
            return False
        return self.history.reached(value, after, at)

    def _counts_from(self, club: Club, at: datetime) -> datetime | None:
        if club.term is None:
            return None
        begun = club.term.after(at, -1, self.zone_at(at))
        return begun if self.stay is None or self.stay.ended_at is None else max(begun, self.stay.ended_at)

    def _counts_again_from(self, stay: Stay, at: datetime) -> datetime:
        """What renews is reached within one term: the one that runs, in the days of grace as long a time until now."""
        run = next(run for run in reversed(self.runs) if run.begins_at <= at)
        is_over = stay.ends_at is not None and stay.ends_at <= at
        begun = run.term.after(at, -1, run.zone) if is_over else run.begun_by(at)
        return max(begun, stay.counts_from or begun)

    def give(self, at: datetime, club: Club, terms: int, way: Way, *, for_ever: bool = False) -> None:
        """Terms from the end of the one that runs, else from `at`."""
        stay = self.open
        if stay is not None and stay.ends_at is None:
            return
        begins_at = stay.ends_at if stay is not None and stay.ends_at is not None else at
        zone = self.zone_at(begins_at)
        if stay is None:
            self.runs = []
        ends_at = None if for_ever or club.term is None else self._prolong(begins_at, club.term, terms, zone)
        counts_from = at if stay is None else stay.counts_from
        if stay is not None and way == "value":
            counts_from = max(begins_at, at)
        self.stay = Stay(
            joined_at=stay.joined_at if stay is not None else at,
            renewed_at=at,
            way=way,
            rule=club.rule,
            ends_at=ends_at,
            lapses_at=None if ends_at is None else days_after(ends_at, club.grace_days, zone),
            remind_at=days_after(ends_at, -club.remind_days, zone) if ends_at and club.remind_days else None,
            counts_from=counts_from,
        )

    def _prolong(self, begins_at: datetime, term: Term, terms: int, zone: ZoneInfo) -> datetime:
        """When so many more terms end."""
        last = self.runs[-1] if self.runs else None
        if last is not None and (last.term, last.zone) == (term, zone):
            self.runs[-1] = last._replace(terms=last.terms + terms)
        else:
            self.runs.append(Run(begins_at, term, terms, zone))
        return self.runs[-1].ends_at
