"""Tasks over HTTP, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from loyalty_svc.tasks.plans import Amount, Badge, CouponCode, Language, Points, Step, Streak, Task
from loyalty_svc.tasks.progress import StepState
from loyalty_svc.tasks.wording import missing


class StepOut(BaseModel):
    """One step: `done` of `needed`, in `unit`; what is missing in words. Amounts are minor units of `currency`."""

    code: str
    name: str
    unit: Literal["times", "days", "minor"]
    currency: str | None
    done: int
    needed: int
    missing: str
    reached_at: datetime | None

    @classmethod
    def of(cls, step: Step, state: StepState, language: Language) -> Self:
        """From a step and how far it is."""
        is_amount, is_streak = isinstance(step.target, Amount), isinstance(step.target, Streak)
        return cls(
            code=step.code,
            name=step.names[language],
            unit="minor" if is_amount else "days" if is_streak else "times",
            currency=step.target.currency if isinstance(step.target, Amount) else None,
            done=state.done,
            needed=state.needed,
            missing=missing(step, state, language),
            reached_at=state.reached_at,
        )


class BadgeOut(BaseModel):
    """What a member may show."""

    code: str
    name: str

    @classmethod
    def of(cls, badge: Badge | None, language: Language) -> Self | None:
        """None for a task without one."""
        return cls(code=badge.code, name=badge.names[language]) if badge else None


class TaskOut(BaseModel):
    """A task that runs now, as far as the member has come in `period` (`ever`, or the one that runs)."""

    task: str
    name: str
    rule: str
    period: str
    in_order: bool
    starts_at: datetime | None
    ends_at: datetime | None
    steps: list[StepOut]
    reward: Points | CouponCode | None
    badge: BadgeOut | None
    completed_at: datetime | None

    @classmethod
    def of(cls, running: Any, language: Language) -> Self:
        """From a `usecases.Running`."""
        task: Task = running.version.value
        return cls(
            task=task.code,
            name=task.names[language],
            rule=task.rule,
            period=running.period,
            in_order=task.in_order,
            starts_at=task.starts_at,
            ends_at=task.ends_at,
            steps=[StepOut.of(step, state, language) for step, state in zip(task.steps, running.steps, strict=True)],
            reward=task.reward,
            badge=BadgeOut.of(task.badge, language),
            completed_at=running.completed_at,
        )


class CompletedTaskOut(BaseModel):
    """A task that was completed; `withdrawn_at` when its reason fell away, and reward and badge were taken back."""

    task: str
    name: str
    rule: str
    period: str
    completed_at: datetime
    account_type: str | None
    points: int | None
    coupon: str | None
    badge: BadgeOut | None
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, row: Any, tasks: Mapping[str, Task], language: Language) -> Self:
        """From a row of `queries.completed_of`; tasks by rule (`<code>@<version>`)."""
        task = tasks.get(row.rule)
        return cls(
            task=row.task,
            name=task.names[language] if task else row.task,
            rule=row.rule,
            period=row.period,
            completed_at=row.completed_at,
            account_type=row.account_type,
            points=row.points,
            coupon=row.coupon,
            badge=BadgeOut.of(task.badge, language) if task else None,
            withdrawn_at=row.withdrawn_at,
        )
