"""The heart of milestones: what a plan is, what reaches it, and how often it gives. Pure.

A plan is a document of the kind `milestone`. What happened is judged by the version that was valid then, so a plan
gives nothing for what lies before it, however late that becomes known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import ConfigDict, Field

from loyalty_svc.earning.rules import ZoneAt
from loyalty_svc.facts import JUDGES
from moat.kit.documents.kind import DocumentKind, Published, Ref, WrongDocument, valid_at
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import AMOUNT_MAX, is_currency
from moat.kit.problems import FieldError
from moat.rules import Catalogue, Condition, Number, Text, parse

EVER: Final = "ever"
Language = Literal["zh-CN", "en"]
EVERYBODY: Final[Mapping[str, Any]] = {"combinator": "and", "rules": []}

MEMBERS: Final = Catalogue(
    {
        "tier": Text(),
        "growth": Number(whole=True),
        "points": Number(whole=True),
        "years": Number(whole=True),
    }
)
"""What a plan may ask about a member as he stands when it is asked; `years` is null but for an anniversary."""


class OnOccasion(DocumentModel):
    """A day that customer-svc announces, so many days ahead of it."""

    kind: Literal["occasion"]
    occasion: Annotated[
        str, Field(pattern="^[a-z][a-z_]{0,49}$", description="birthday, birthday_month, anniversary, …")
    ]
    days_ahead: Annotated[int, Field(ge=0, le=366, description="as it is announced: 7 or 0 for a birthday")] = 0
    catch_up_days: Annotated[
        int, Field(ge=0, le=366, description="an outage that made the announcement later than this gives nothing")
    ] = 31


class OnNthOrder(DocumentModel):
    """The nth order that was paid and not given back in full, whether it earned points or not."""

    kind: Literal["nth_order"]
    n: Annotated[int, Field(ge=1, le=10_000)]


class OnAmount(DocumentModel):
    """Orders of one currency come to an amount, less refunds."""

    kind: Literal["amount_reached"]
    amount_minor: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
    currency: str = "CNY"


Trigger = Annotated[OnOccasion | OnNthOrder | OnAmount, Field(discriminator="kind")]


class PointsGift(DocumentModel):
    """Points of one account type."""

    kind: Literal["points"]
    account_type: Code = "points"
    points: Annotated[int, Field(ge=1, le=1_000_000)]


class CouponGift(DocumentModel):
    """A code of his own of a coupon that is published when the plan is reached."""

    kind: Literal["coupon"]
    coupon: Code


class MilestoneDocument(DocumentModel):
    """A plan as business people write it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "年度第三单", "en": "Third order of the year"},
                    "trigger": {"kind": "nth_order", "n": 3},
                    "once": "year",
                    "condition": {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "gold"}]},
                    "gift": {"kind": "points", "points": 88},
                }
            ]
        }
    )

    names: Names
    trigger: Trigger
    once: Annotated[
        Literal["year", "ever"],
        Field(description="year: once in each; orders are counted in civil years of the programme's zone then"),
    ] = "year"
    condition: Annotated[dict[str, Any], Field(default_factory=lambda: dict(EVERYBODY))]
    gift: Annotated[PointsGift | CouponGift, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a plan; `rule` is `<code>@<version>`. `condition` is None when everybody fits."""

    code: str
    rule: str
    names: Mapping[Language, str]
    trigger: OnOccasion | OnNthOrder | OnAmount
    once: Literal["year", "ever"]
    condition: Condition | None
    gift: PointsGift | CouponGift


class Order(NamedTuple):
    """A paid order; `kept_minor` is its total less what went back, aware UTC instants."""

    paid_at: datetime
    currency: str
    total_minor: int
    kept_minor: int

    @property
    def counts(self) -> bool:
        """Whether anything of it was kept."""
        return self.kept_minor > 0 or self.total_minor == 0


class Reached(NamedTuple):
    """A plan was reached at an instant; `period` is `ever` or a year, and a plan gives once in each."""

    plan: Plan
    period: str
    at: datetime


Versions = Mapping[str, Sequence[Published[Plan]]]
"""All versions of each plan by its code, the earliest first."""


def compile_plan(model: MilestoneDocument, ref: Ref) -> Plan:
    """The plan of a document. Raises RuleError for its condition, WrongDocument for an unknown currency."""
    if isinstance(model.trigger, OnAmount) and not is_currency(model.trigger.currency):
        raise WrongDocument(errors=[FieldError("/trigger/currency", "is no currency of ISO 4217")])
    condition = parse(model.condition, MEMBERS, pointer="/condition")
    asks = condition if condition.tree.rules else None
    return Plan(ref.code, str(ref), model.names, model.trigger, model.once, asks, model.gift)


MILESTONES: Final = DocumentKind("milestone", MilestoneDocument, compile_plan, read_with=JUDGES)


def reached_by_occasion(
    plans: Versions, occasion: str, days_ahead: int, *, year: int, at: datetime, noticed_at: datetime
) -> list[Reached]:
    """The plans that an announced day reaches; `noticed_at` is when it was announced, `at` when that was due."""
    found = []
    for versions in plans.values():
        version = valid_at(versions, at)
        trigger = version and version.value.trigger
        if version is None or not isinstance(trigger, OnOccasion):
            continue
        is_it = (trigger.occasion, trigger.days_ahead) == (occasion, days_ahead)
        if is_it and noticed_at - at <= timedelta(days=trigger.catch_up_days):
            found.append(Reached(version.value, str(year) if version.value.once == "year" else EVER, at))
    return found


def asks_for_orders(plans: Versions) -> bool:
    """Whether any version counts orders; without one nobody's orders need to be looked at."""
    return any(not isinstance(one.value.trigger, OnOccasion) for versions in plans.values() for one in versions)


def reached_by_orders(plans: Versions, orders: Iterable[Order], zone_at: ZoneAt) -> dict[tuple[str, str], Reached]:
    """What all orders of a customer reach, by (plan, period), whatever the order in which they became known."""
    ordered = sorted(orders)
    found: dict[tuple[str, str], Reached] = {}
    for code, versions in plans.items():
        for version in versions:
            for period, at in _instants(version.value, ordered, zone_at):
                if version.judges(at):
                    found.setdefault((code, period), Reached(version.value, period, at))
    return found


def _instants(plan: Plan, orders: Sequence[Order], zone_at: ZoneAt) -> Iterable[tuple[str, datetime]]:
    """(period, instant) at which the orders, earliest first, reach the plan."""
    trigger = plan.trigger
    if isinstance(trigger, OnOccasion):
        return
    target = trigger.n if isinstance(trigger, OnNthOrder) else trigger.amount_minor
    sums: dict[str, int] = {}
    for order in orders:
        period = EVER if plan.once == EVER else str(order.paid_at.astimezone(zone_at(order.paid_at)).year)
        before = sums.get(period, 0)
        after = sums[period] = before + _worth(trigger, order)
        if before < target <= after:
            yield period, order.paid_at.astimezone(UTC)


def _worth(trigger: OnNthOrder | OnAmount, order: Order) -> int:
    if isinstance(trigger, OnNthOrder):
        return int(order.counts)
    return order.kept_minor if order.currency == trigger.currency else 0
