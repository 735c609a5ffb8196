"""The heart of what a task is: its steps, over which events they count, when it runs and how often. Pure.

A task is a document of the kind `task`. What happens is judged by the version valid then, so it counts for the steps
that the task had at that time; a version decides only what is completed while it is valid. A condition asks for nothing
but what the event itself says, so that it does not matter when the event arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from loyalty_svc.earning.events import CATALOGUES, OF_MEMBERS, ORDER_PAID
from loyalty_svc.facts import JUDGES
from loyalty_svc.tasks.periods import DAYS_MIN, Every
from moat.kit.documents.kind import DocumentKind, Published, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import AMOUNT_MAX, is_currency
from moat.kit.problems import FieldError, nearest
from moat.rules import Catalogue, Condition, parse

Language = Literal["zh-CN", "en"]
STEPS_MAX: Final = 10
DAYS_MAX: Final = 366

FIELDS: Final[Mapping[str, Catalogue]] = {
    on: Catalogue({name: field for name, field in catalogue.fields.items() if name not in OF_MEMBERS})
    for on, catalogue in CATALOGUES.items()
}
"""What a step may ask about an event; nothing about the member, which changes while an event is under way."""
WithinDays = Annotated[int, Field(ge=1, le=DAYS_MAX, description="the first and the last lie in so many civil days")]


class Times(DocumentModel):
    """So many of them: 3 orders in 30 days."""

    kind: Literal["times"]
    times: Annotated[int, Field(ge=1, le=1_000)]
    within_days: WithinDays | None = None


class Streak(DocumentModel):
    """On so many civil days running."""

    kind: Literal["streak"]
    days: Annotated[int, Field(ge=2, le=DAYS_MAX)]


class Amount(DocumentModel):
    """Orders of one currency come to an amount, less refunds."""

    kind: Literal["amount"]
    amount_minor: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
    currency: str = "CNY"
    within_days: WithinDays | None = None


Target = Annotated[Times | Streak | Amount, Field(discriminator="kind")]


class StepDocument(DocumentModel):
    """One step: which events count for it, and how many it takes."""

    code: Code
    names: Names
    on: Annotated[str, Field(description="an event type: order.paid, customer.activity_recorded, …")]
    condition: dict[str, Any] | None = None
    target: Target


class Points(DocumentModel):
    """Points of one account type."""

    kind: Literal["points"]
    account_type: Code = "points"
    points: Annotated[int, Field(ge=1, le=1_000_000)]


class CouponCode(DocumentModel):
    """A code of his own of a coupon that is published when the task is completed."""

    kind: Literal["coupon"]
    coupon: Code


class Badge(DocumentModel):
    """What the member may show; it is his as long as the completion stands."""

    code: Code
    names: Names


class TaskDocument(DocumentModel):
    """A task as business people write it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "三笔订单", "en": "Three orders"},
                    "steps": [
                        {
                            "code": "orders",
                            "names": {"zh-CN": "三笔订单", "en": "Three orders"},
                            "on": "order.paid",
                            "condition": {
                                "combinator": "and",
                                "rules": [{"field": "total_minor", "operator": ">=", "value": 10_000}],
                            },
                            "target": {"kind": "times", "times": 3, "within_days": 30},
                        }
                    ],
                    "reward": {"kind": "points", "points": 300},
                }
            ]
        }
    )

    names: Names
    steps: Annotated[tuple[StepDocument, ...], Field(min_length=1, max_length=STEPS_MAX)]
    in_order: Annotated[bool, Field(description="a step counts what happens after the one before was reached")] = False
    every: Annotated[Every, Field(description="once for each member in such a civil period; ever: once")] = "ever"
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    late_days: Annotated[
        int | None, Field(ge=0, le=DAYS_MAX, description="what becomes known later than this does not count")
    ] = None
    reward: Annotated[Points | CouponCode, Field(discriminator="kind")] | None = None
    badge: Badge | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


@dataclass(frozen=True, slots=True)
class Step:
    """A step, compiled. `condition` is None when every event of the type counts."""

    code: str
    names: Mapping[Language, str]
    on: str
    condition: Condition | None
    target: Times | Streak | Amount

    @property
    def needed(self) -> int:
        """How many times, days or minor units it takes."""
        match self.target:
            case Times(times=needed) | Streak(days=needed) | Amount(amount_minor=needed):
                return needed


@dataclass(frozen=True, slots=True)
class Task:
    """One version of a task; `rule` is `<code>@<version>`."""

    code: str
    rule: str
    names: Mapping[Language, str]
    steps: tuple[Step, ...]
    in_order: bool
    every: Every
    starts_at: datetime | None
    ends_at: datetime | None
    late: timedelta | None
    reward: Points | CouponCode | None
    badge: Badge | None

    def runs_at(self, at: datetime) -> bool:
        """Whether what happens at `at` lies between its start and its end."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)

    def is_in_time(self, at: datetime, noticed_at: datetime) -> bool:
        """Whether what happened at `at` became known early enough."""
        return self.late is None or noticed_at - at <= self.late

    @property
    def reads_orders(self) -> bool:
        """Whether a refund may undo what it counted."""
        return any(step.on == ORDER_PAID for step in self.steps)


Versions = Mapping[str, Sequence[Published[Task]]]
"""All versions of each task by its code, the earliest first."""


def compile_task(model: TaskDocument, ref: Ref) -> Task:
    """The task of a document. Raises RuleError for a condition, WrongDocument for whatever else cannot be."""
    if errors := [error for place, step in enumerate(model.steps) for error in _errors_of(model, place, step)]:
        raise WrongDocument(errors=errors)
    return Task(
        ref.code,
        str(ref),
        model.names,
        tuple(_step(place, step) for place, step in enumerate(model.steps)),
        model.in_order,
        model.every,
        model.starts_at,
        model.ends_at,
        None if model.late_days is None else timedelta(days=model.late_days),
        model.reward,
        model.badge,
    )


def _errors_of(model: TaskDocument, place: int, step: StepDocument) -> list[FieldError]:
    target, pointer, found = step.target, f"/steps/{place}", []
    if step.on not in FIELDS:
        detail = f"no task can count this event type{nearest(step.on, FIELDS)}"
        found.append(FieldError(f"{pointer}/on", detail))
    if step.code in [other.code for other in model.steps[:place]]:
        found.append(FieldError(f"{pointer}/code", "another step has this code"))
    if isinstance(target, Amount) and step.on != ORDER_PAID:
        found.append(FieldError(f"{pointer}/target/kind", f"only {ORDER_PAID} has an amount"))
    if isinstance(target, Amount) and not is_currency(target.currency):
        found.append(FieldError(f"{pointer}/target/currency", "is no currency of ISO 4217"))
    if isinstance(target, Streak) and target.days > DAYS_MIN[model.every]:
        found.append(FieldError(f"{pointer}/target/days", f"a {model.every} may have {DAYS_MIN[model.every]} days"))
    return found


def _step(place: int, step: StepDocument) -> Step:
    condition = None
    if step.condition is not None:
        condition = parse(step.condition, FIELDS[step.on], pointer=f"/steps/{place}/condition")
    return Step(step.code, step.names, step.on, condition, step.target)


TASKS: Final = DocumentKind("task", TaskDocument, compile_task, read_with=JUDGES)
