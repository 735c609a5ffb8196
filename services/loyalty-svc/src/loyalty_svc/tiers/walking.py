"""The heart of plans over a window or a period: a member's way through the tiers, from what he earned and kept.

The way is a function of the plan and of the gains alone: facts in any order of arrival give the same one, and it goes
on beyond the last fact, so it also says what will happen next if nothing else does. A gain that was taken back never
was: a refund takes the tier with it that its order had given.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from typing import Literal, NamedTuple

from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.spans import Calendar, Gains, Rolling


class Step(NamedTuple):
    """At an instant a member rose, fell or was confirmed in his tier; `place` counts the plan's tiers from 0.

    valid_until: until when it holds before it is looked at again; None: while it is reached, or for ever.
    """

    at: datetime
    kind: Literal["up", "down", "retained"]
    place: int
    valid_until: datetime | None


class Judged(NamedTuple):
    """Where a member stands at an instant, and what happens next if he earns nothing more.

    value: what counts at that instant. next_at: when his standing changes or is confirmed next. falls_at, falls_to:
    when he will fall and to which place.
    """

    place: int
    since: datetime | None
    value: int
    valid_until: datetime | None = None
    retained_at: datetime | None = None
    next_at: datetime | None = None
    falls_at: datetime | None = None
    falls_to: int | None = None


class Values:
    """What counts at an instant."""

    def __init__(self, plan: TierPlan, gains: Gains) -> None:
        self._span = plan.span
        self._at = [at for at, _ in gains]
        self._sums = [0, *accumulate(amount for _, amount in gains)]

    def at(self, at: datetime) -> int:
        """The value at an instant, what was earned then included."""
        until = self._sums[bisect_right(self._at, at)]
        match self._span:
            case Rolling(lasts=lasts):
                return until - self._sums[bisect_right(self._at, at - lasts)]
            case Calendar() as calendar:
                return until - self._sums[bisect_left(self._at, calendar.begins(at))]
            case _:
                return until

    def of_ended(self, at: datetime) -> int:
        """The value of the civil period that ended at `at`."""
        assert isinstance(self._span, Calendar)
        begins = self._span.begins(at, -1)
        return self._sums[bisect_left(self._at, at)] - self._sums[bisect_left(self._at, begins)]


def judge(plan: TierPlan, gains: Gains, at: datetime) -> Judged:
    """Where a member with these gains stands at an instant."""
    place, valid_until, retained_at = 0, None, None
    since = gains[0][0] if gains else None
    next_at: datetime | None = None
    value = Values(plan, gains).at(at)
    for step in steps_of(plan, gains):
        if step.at <= at:
            place, valid_until = step.place, step.valid_until
            retained_at = step.at if step.kind == "retained" else None
            since = since if step.kind == "retained" else step.at
            continue
        next_at = next_at or step.at
        if step.kind == "down":
            return Judged(place, since, value, valid_until, retained_at, next_at, step.at, step.place)
    return Judged(place, since, value, valid_until, retained_at, next_at)


def steps_of(plan: TierPlan, gains: Gains) -> Iterator[Step]:
    """Every step of a member with these gains, to the last that can be told."""
    return _Walk(plan, gains).steps()


class _Walk:
    """One member's way: the instants at which something can happen, each looked at once, in order."""

    def __init__(self, plan: TierPlan, gains: Gains) -> None:
        self._plan, self._span = plan, plan.span
        self._values = Values(plan, gains)
        self._turns = sorted({at for at, _ in gains} | self._ends(gains))
        self._place = 0
        self._valid_until: datetime | None = None
        self._falls_at: datetime | None = None
        self._fits_failing = 0

    def _ends(self, gains: Gains) -> set[datetime]:
        """When gains stop counting."""
        match self._span:
            case Rolling(lasts=lasts):
                return {at + lasts for at, _ in gains}
            case Calendar() as calendar:
                return {calendar.begins(at, 1) for at, _ in gains}
            case _:
                return set()

    def steps(self) -> Iterator[Step]:
        """Every step, to the last that can be told."""
        place = 0
        while True:
            coming = [self._valid_until, self._falls_at, self._turns[place] if place < len(self._turns) else None]
            instants = [instant for instant in coming if instant is not None]
            if not instants:
                return
            at = min(instants)
            place = bisect_right(self._turns, at, place)
            yield from self._look(at)

    def _look(self, at: datetime) -> Iterator[Step]:
        fits = self._plan.place_for(self._values.at(at))
        ended = self._fits_ended(at)
        is_at_end = isinstance(self._span, Calendar) and self._span.is_at_end
        rises_to = ended if is_at_end else fits
        if rises_to is not None and rises_to > self._place:
            reached_at = self._ended_period(at) if is_at_end else at
            yield self._stand(at, "up", rises_to, self._holds_until(reached_at))
        elif ended is not None and 0 < self._place <= ended:
            until = self._holds_until(self._ended_period(at))
            if self._falls_at is not None or (until and self._valid_until and until > self._valid_until):
                yield self._stand(at, "retained", self._place, until)
        elif self._falls_at is not None and fits >= self._place:
            yield self._stand(at, "retained", self._place, self._holds_until(at))
        yield from self._review(at, fits, ended)

    def _review(self, at: datetime, fits: int, ended: int | None) -> Iterator[Step]:
        """What is due at `at`: the end of validity, or of grace."""
        if self._valid_until == at:
            reached = fits if ended is None else max(ended, fits)
            if reached >= self._place:
                yield self._stand(at, "retained", self._place, self._holds_until(at))
            else:
                self._fail(at, reached)
        self._fail_where_nothing_holds(at, fits)
        if self._falls_at == at:
            to = self._place - 1 if self._plan.fall.way == "by_one" else max(self._fits_failing, fits)
            yield self._stand(at, "down", to, self._holds_until_after_fall(at) if to else None)
            self._fail_where_nothing_holds(at, fits)

    def _fits_ended(self, at: datetime) -> int | None:
        """The place that the civil period reached that ended at `at`; None where none ended."""
        if isinstance(self._span, Calendar) and self._span.begins(at) == at:
            return self._plan.place_for(self._values.of_ended(at))
        return None

    def _ended_period(self, at: datetime) -> datetime:
        assert isinstance(self._span, Calendar)
        return self._span.begins(at, -1)

    def _stand(
        self, at: datetime, kind: Literal["up", "down", "retained"], place: int, valid_until: datetime | None
    ) -> Step:
        self._place, self._valid_until, self._falls_at = place, valid_until, None
        return Step(at, kind, place, valid_until)

    def _fail(self, at: datetime, fits: int) -> None:
        self._valid_until, self._falls_at, self._fits_failing = None, at + self._plan.fall.grace, fits

    def _fail_where_nothing_holds(self, at: datetime, fits: int) -> None:
        """Without validity a tier is lost, after grace, as soon as it is not reached any more."""
        span = self._span
        is_held = self._falls_at is not None or self._plan.fall.way == "keep"
        if isinstance(span, Rolling) and span.valid is None and not is_held and fits < self._place:
            self._fail(at, fits)

    def _holds_until(self, at: datetime) -> datetime | None:
        """Until when a tier holds that was reached at `at`."""
        if self._plan.fall.way == "keep":
            return None
        match self._span:
            case Rolling(valid=valid):
                return None if valid is None else at + valid
            case Calendar() as calendar:
                return calendar.valid_until(at)
            case _:
                return None

    def _holds_until_after_fall(self, at: datetime) -> datetime | None:
        """A lower tier after a fall: for as long as one that was reached, or to the end of the period."""
        return self._span.begins(at, 1) if isinstance(self._span, Calendar) else self._holds_until(at)
