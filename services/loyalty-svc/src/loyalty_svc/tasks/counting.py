"""The heart of what counts: which steps of which tasks an event is for, by the versions valid then. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_svc.tasks.periods import period_of
from loyalty_svc.tasks.plans import Versions
from moat.kit.documents.kind import valid_at

Row = Callable[[], Mapping[str, Any]]
"""The event as conditions ask about it; made only where one does."""


class Instance(NamedTuple):
    """One member, one task, one of its periods: what is completed once."""

    customer_id: UUID
    task: str
    period: str


class Happening(NamedTuple):
    """An event as tasks see it. on: its type; fact_id: what it is about, which counts once however often it is told."""

    customer_id: UUID
    on: str
    at: datetime
    noticed_at: datetime
    fact_id: UUID
    event_id: str


class Counted(NamedTuple):
    """It counts for a step. day: in the programme's zone."""

    instance: Instance
    step: str
    day: date
    of: Happening


@dataclass(frozen=True, slots=True)
class Watch:
    """The tasks by the event types that they count."""

    versions: Versions
    by_type: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def over(cls, versions: Versions) -> Self:
        """A watch over every version of every task."""
        watch = cls(versions)
        for code, known in versions.items():
            for step in {step.on for version in known for step in version.value.steps}:
                watch.by_type.setdefault(step, set()).add(code)
        return watch

    def reads_orders(self, task: str) -> bool:
        """Whether a refund may undo what the task has counted."""
        return any(version.value.reads_orders for version in self.versions[task])

    def counted(self, happening: Happening, row: Row, zone: ZoneInfo) -> Iterator[Counted]:
        """The steps that it counts for."""
        day = happening.at.astimezone(zone).date()
        for code in sorted(self.by_type.get(happening.on, ())):
            version = valid_at(self.versions[code], happening.at)
            if version is None:
                continue
            task = version.value
            if not task.runs_at(happening.at) or not task.is_in_time(happening.at, happening.noticed_at):
                continue
            instance = Instance(happening.customer_id, code, period_of(task.every, day))
            for step in task.steps:
                asks = step.condition
                if step.on == happening.on and (asks is None or asks.matches(row(), now=happening.at)):
                    yield Counted(instance, step.code, day, happening)
