"""The heart of what a surprise is: who may win, what, how many of them, and what it may cost. Pure.

A surprise is a document of the kind `surprise`. Its budget is for all its draws together, whatever version they were
made with. A draw stays on the version it began with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator

from loyalty_svc.honours.members import GUESTS, asked
from moat.kit.documents.kind import DocumentKind, Published, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.instants import Instant
from moat.kit.money import AMOUNT_MAX, is_currency
from moat.kit.problems import FieldError
from moat.rules import Condition, parse

WINNERS_MAX: Final = 100_000
QUIET_DAYS_MAX: Final = 3_650
EVERYBODY: Final[Mapping[str, Any]] = {"combinator": "and", "rules": []}
Language = Literal["zh-CN", "en"]


class PointsIn(DocumentModel):
    """Points that can be spent."""

    account_type: Code = "points"
    points: Annotated[int, Field(ge=1, le=1_000_000)]


class GiftIn(DocumentModel):
    """What each winner gets: points, a code of his own of a coupon, or both."""

    points: PointsIn | None = None
    coupon: Code | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.points is None and self.coupon is None:
            raise ValueError("a gift is points, a coupon, or both")
        return self


class PointsBudget(DocumentModel):
    """So many points in all draws together, and not one more."""

    kind: Literal["points"]
    points: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]


class CostBudget(DocumentModel):
    """So much money in all draws together, where each gift is reckoned at `each_minor`."""

    kind: Literal["cost"]
    currency: str
    amount_minor: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
    each_minor: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]


class SurpriseDocument(DocumentModel):
    """A surprise as business people write it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "双十一惊喜", "en": "Singles' Day surprise"},
                    "condition": {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "gold"}]},
                    "gift": {"points": {"points": 111}},
                    "winners": 50,
                    "budget": {"kind": "points", "points": 5_550},
                    "quiet_days": 90,
                }
            ]
        }
    )

    names: Names
    condition: Annotated[dict[str, Any], Field(default_factory=lambda: dict(EVERYBODY))]
    currency: Annotated[str, Field(description="of `spent_minor` in the condition")] = "CNY"
    gift: GiftIn
    winners: Annotated[int, Field(ge=1, le=WINNERS_MAX, description="in each draw")]
    budget: Annotated[PointsBudget | CostBudget, Field(discriminator="kind")]
    quiet_days: Annotated[
        int,
        Field(
            ge=1,
            le=QUIET_DAYS_MAX,
            description="who had any surprise within so many days does not win, nor any other within so many after",
        ),
    ] = 30
    draws_at: Annotated[
        Instant | None, Field(description="when it is drawn, once and by itself; null: when staff say")
    ] = None


class Spent(NamedTuple):
    """What a surprise has given in all its draws; cost in the budget's currency."""

    points: int = 0
    cost_minor: int = 0


@dataclass(frozen=True, slots=True)
class Surprise:
    """One version of a surprise; `rule` is `<code>@<version>`, `asks` the fields that its condition needs."""

    code: str
    rule: str
    names: Mapping[Language, str]
    condition: Condition
    asks: frozenset[str]
    currency: str
    account_type: str | None
    points: int
    coupon: str | None
    winners: int
    budget: PointsBudget | CostBudget
    quiet: timedelta
    draws_at: datetime | None

    @property
    def each(self) -> Spent:
        """What one gift takes from the budget."""
        return Spent(self.points, self.budget.each_minor if isinstance(self.budget, CostBudget) else 0)

    def affords(self, spent: Spent) -> int:
        """How many gifts the budget has left."""
        if isinstance(self.budget, PointsBudget):
            return max(self.budget.points - spent.points, 0) // self.points
        return max(self.budget.amount_minor - spent.cost_minor, 0) // self.budget.each_minor


Versions = Mapping[str, Sequence[Published[Surprise]]]
"""All versions of each surprise by its code, the earliest first."""


def compile_surprise(model: SurpriseDocument, ref: Ref) -> Surprise:
    """What decides. Raises RuleError for the condition, WrongDocument for a budget that says nothing about the gift."""
    gift, errors = model.gift, []
    if isinstance(model.budget, PointsBudget) and gift.points is None:
        errors.append(FieldError("/budget/kind", "a gift without points needs a budget of the kind cost"))
    if isinstance(model.budget, CostBudget) and not is_currency(model.budget.currency):
        errors.append(FieldError("/budget/currency", "is no currency of ISO 4217"))
    if not is_currency(model.currency):
        errors.append(FieldError("/currency", "is no currency of ISO 4217"))
    if errors:
        raise WrongDocument(errors=errors)
    condition = parse(model.condition, GUESTS, pointer="/condition")
    return Surprise(
        code=ref.code,
        rule=str(ref),
        names=model.names,
        condition=condition,
        asks=asked(condition),
        currency=model.currency,
        account_type=gift.points.account_type if gift.points else None,
        points=gift.points.points if gift.points else 0,
        coupon=gift.coupon,
        winners=model.winners,
        budget=model.budget,
        quiet=timedelta(days=model.quiet_days),
        draws_at=model.draws_at,
    )


SURPRISES: Final = DocumentKind("surprise", SurpriseDocument, compile_surprise)
