"""The heart of progress: what the facts of a member come to. Pure, and the same in whatever order they became known.

The facts are those of one member, one task and one of its periods. Facts that count no more (an order that was given
back in full) are left out by whoever asks.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.tasks.periods import period_of
from loyalty_svc.tasks.plans import Amount, Step, Streak, Task, Times
from moat.kit.documents.kind import Published

DAY = timedelta(days=1)


class Fact(NamedTuple):
    """Something that counts for a step. day: in the programme's zone; kept_minor: what of an order was kept."""

    at: datetime
    fact_id: UUID
    step: str
    day: date
    currency: str | None = None
    kept_minor: int = 0


class StepState(NamedTuple):
    """How far a step is: `done` of `needed` at the day asked for; `reached_at` once it was reached, for good."""

    code: str
    done: int
    needed: int
    reached_at: datetime | None


class Completion(NamedTuple):
    """The task was completed at an instant, by that version."""

    task: Task
    at: datetime


def states(task: Task, facts: Iterable[Fact], *, today: date) -> list[StepState]:
    """How far each step is on a day. Of a window or a streak that the day has left behind nothing is left."""
    ordered = sorted(facts)
    found: list[StepState] = []
    since: datetime | None = None
    for place, step in enumerate(task.steps):
        waits = task.in_order and place > 0 and found[-1].reached_at is None
        own = [one for one in ordered if one.step == step.code and (since is None or one.at > since)]
        state = _state(step, [] if waits else own, today)
        found.append(state)
        if task.in_order:
            since = state.reached_at
    return found


def completion(versions: Sequence[Published[Task]], facts: Sequence[Fact], period: str) -> Completion | None:
    """Whether and when the task was completed in a period, and by which version.

    A version decides what is completed while it is valid. What was enough for it before it was valid completes it with
    the first thing that counts afterwards.
    """
    ordered = sorted(facts)
    for version in versions:
        mine = [one for one in ordered if period_of(version.value.every, one.day) == period]
        if not mine:
            continue
        reached = [state.reached_at for state in states(version.value, mine, today=mine[-1].day)]
        instants = [at for at in reached if at is not None]
        if len(instants) < len(reached):
            continue
        at = max(instants)
        if version.valid_from is not None and at < version.valid_from:
            at = next((one.at for one in mine if one.at >= version.valid_from), at)
        if version.judges(at):
            return Completion(version.value, at)
    return None


def _state(step: Step, facts: Sequence[Fact], today: date) -> StepState:
    match step.target:
        case Times(times=times, within_days=window):
            done, reached_at = _sum([(one, 1) for one in facts], times, window, today)
        case Amount(amount_minor=amount, currency=currency, within_days=window):
            kept = [(one, one.kept_minor) for one in facts if one.currency == currency]
            done, reached_at = _sum(kept, amount, window, today)
        case Streak(days=days):
            done, reached_at = _streak(facts, days, today)
    is_reached = reached_at is not None
    return StepState(step.code, step.needed if is_reached else min(done, step.needed), step.needed, reached_at)


def _sum(
    worths: Sequence[tuple[Fact, int]], needed: int, within_days: int | None, today: date
) -> tuple[int, datetime | None]:
    """(what the days until today came to, when as much as needed first was within so many days)."""
    total = first = 0
    for fact, worth in worths:
        total += worth
        while within_days is not None and (fact.day - worths[first][0].day).days >= within_days:
            total -= worths[first][1]
            first += 1
        if total >= needed:
            return total, fact.at
    if within_days is None:
        return total, None
    return sum(worth for fact, worth in worths if 0 <= (today - fact.day).days < within_days), None


def _streak(facts: Sequence[Fact], needed: int, today: date) -> tuple[int, datetime | None]:
    """(the days running until today or yesterday, when there first were as many as needed)."""
    run, last = 0, None
    for fact in facts:
        if fact.day == last:
            continue
        run = run + 1 if last is not None and fact.day - last == DAY else 1
        last = fact.day
        if run >= needed:
            return run, fact.at
    return (run if last is not None and today - last <= DAY else 0), None
