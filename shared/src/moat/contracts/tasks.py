"""Tasks of members: how far they are, what they completed. Part of the topic of `loyalty`."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from moat.contracts.points import LoyaltyFact
from moat.kit.events import EventData


class TaskStep(EventData):
    """How far one step is: `done` of `needed` times, days or minor units."""

    TYPE = TOPIC = ""
    step: str
    done: Annotated[int, Field(ge=0)]
    needed: Annotated[int, Field(ge=1)]


class TaskFact(LoyaltyFact):
    """What every event of a member's task says."""

    task: str
    period: str
    """`ever`, or the civil period that it counts for: `2026-11`. A task is completed once in each."""


class TaskProgressed(TaskFact):
    """A step moved, forward or back (a streak that broke, an order that was returned)."""

    TYPE = "moat.task.progressed.v1"
    steps: tuple[TaskStep, ...]


class TaskCompleted(TaskFact):
    """Every step was reached and the reward was given; `time` is when it was reached."""

    TYPE = "moat.task.completed.v1"
    rule: str
    """`<code>@<version>` of the task that decided."""
    badge: str | None = None
    account_type: str | None = None
    points: int | None = None
    posting_id: UUID | None = None
    coupon: str | None = None
    """Where it gives a coupon; `coupon.issued` or `coupon.refused` follows."""


class TaskWithdrawn(TaskFact):
    """The reason of a completion fell away: the reward is taken back, and the badge."""

    TYPE = "moat.task.withdrawn.v1"


EVENTS = (TaskProgressed, TaskCompleted, TaskWithdrawn)
