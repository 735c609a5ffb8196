"""The heart's way from the document that people write to the plan that decides.

There is one plan, a document of the kind `tier_plan`; what is published judges every member's whole history, so each
new version judges everybody anew.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from loyalty_svc.tiers.evaluation import Benefit, Tier, TierPlan
from loyalty_svc.tiers.spans import FALLS_AT_ONCE, LIFETIME, Calendar, Fall, Lifetime, Rolling, Unit, Way
from moat.kit.documents.kind import DocumentKind, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import AMOUNT_MAX
from moat.kit.problems import FieldError

CODE: Final = "tiers"
"""The code of the one plan."""
TIERS_MAX: Final = 50
BENEFITS_MAX: Final = 50
Days = Annotated[int, Field(ge=1, le=3650, strict=True)]


class LifetimeSpan(DocumentModel):
    """Counts all that was ever earned, less what was taken back; the tier follows at once, up and down."""

    kind: Literal["lifetime"] = "lifetime"


class RollingSpan(DocumentModel):
    """Counts what was earned in the last `days` and kept."""

    kind: Literal["rolling"]
    days: Days
    valid_days: Annotated[
        Days | None, Field(description="a tier holds so long from when it was reached; null: while it is reached")
    ] = None


class CalendarSpan(DocumentModel):
    """Counts what was earned in a civil month, quarter or year (Asia/Shanghai) and kept."""

    kind: Literal["calendar"]
    unit: Unit
    valid_periods: Annotated[
        int, Field(ge=1, le=10, strict=True, description="1: until the end of the period after it was reached")
    ] = 1
    upgrade: Annotated[Literal["at_once", "period_end"], Field(description="when a tier begins that was reached")] = (
        "at_once"
    )


class FallDocument(DocumentModel):
    """What becomes of a tier that is not reached any more."""

    way: Annotated[Way, Field(description="keep it, fall by one, or fall to the tier that is reached")] = "to_fit"
    grace_days: Annotated[int, Field(ge=0, le=366, strict=True)] = 0
    warn_days: Annotated[int, Field(ge=0, le=366, strict=True, description="0: nobody is warned")] = 0


class BenefitDocument(DocumentModel):
    """What members of a tier have. `terms` are for the service that grants it."""

    code: Code
    names: Names
    terms: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=500)] | int | float | bool],
        Field(default_factory=dict, max_length=20, examples=[{"times": 1.5}]),
    ]


class TierDocument(DocumentModel):
    """One tier; each names all its benefits, those of the tiers below too."""

    code: Code
    names: Names
    from_value: Annotated[int, Field(ge=0, le=AMOUNT_MAX, strict=True)]
    benefits: Annotated[list[BenefitDocument], Field(default_factory=list, max_length=BENEFITS_MAX)]


class TierPlanDocument(DocumentModel):
    """The tier plan as business people write it, the lowest tier first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "over": "growth",
                    "span": {"kind": "calendar", "unit": "year"},
                    "tiers": [
                        {"code": "member", "names": {"zh-CN": "普通会员", "en": "Member"}, "from_value": 0},
                        {"code": "silver", "names": {"zh-CN": "银卡", "en": "Silver"}, "from_value": 500},
                    ],
                }
            ]
        }
    )

    over: Annotated[Code, Field(description="the account type that is counted; one that cannot be spent")] = "growth"
    span: Annotated[LifetimeSpan | RollingSpan | CalendarSpan, Field(discriminator="kind")] = LifetimeSpan()
    fall: FallDocument = FallDocument()
    tiers: Annotated[list[TierDocument], Field(min_length=1, max_length=TIERS_MAX)]


def compile_plan(model: TierPlanDocument, ref: Ref) -> TierPlan:
    """The plan of a document. Raises WrongDocument naming each wrong place."""
    errors = [*_wrong_tiers(model.tiers)]
    if isinstance(model.span, LifetimeSpan) and model.fall != FallDocument():
        wrong = "a plan over a lifetime follows at once; to keep or to warn it needs a rolling or calendar span"
        errors.append(FieldError("/fall", wrong))
    if errors:
        raise WrongDocument(errors[0].detail, errors=errors)
    return TierPlan(ref.version, tuple(map(_tier, model.tiers)), model.over, _span(model.span), _fall(model.fall))


def _wrong_tiers(tiers: Sequence[TierDocument]) -> list[FieldError]:
    errors = []
    if tiers[0].from_value != 0:
        errors.append(FieldError("/tiers/0/from_value", "the first tier begins at 0, for everybody is in one"))
    for place, (low, high) in enumerate(pairwise(tiers), 1):
        if low.from_value >= high.from_value:
            errors.append(FieldError(f"/tiers/{place}/from_value", f"must be above that of {low.code}"))
    codes: set[str] = set()
    for place, tier in enumerate(tiers):
        if tier.code in codes:
            errors.append(FieldError(f"/tiers/{place}/code", f"there are two tiers {tier.code}"))
        codes.add(tier.code)
        benefits = [benefit.code for benefit in tier.benefits]
        errors += [
            FieldError(f"/tiers/{place}/benefits/{number}/code", f"there are two benefits {code}")
            for number, code in enumerate(benefits)
            if code in benefits[:number]
        ]
    return errors


def _tier(model: TierDocument) -> Tier:
    benefits = tuple(Benefit(one.code, _texts(one.names), one.terms) for one in model.benefits)
    return Tier(model.code, _texts(model.names), model.from_value, benefits)


def _texts(names: Names) -> Mapping[str, str]:
    return {str(language): text for language, text in names.items()}


def _span(model: LifetimeSpan | RollingSpan | CalendarSpan) -> Lifetime | Rolling | Calendar:
    match model:
        case RollingSpan():
            valid = None if model.valid_days is None else timedelta(days=model.valid_days)
            return Rolling(timedelta(days=model.days), valid)
        case CalendarSpan():
            return Calendar(model.unit, model.valid_periods, model.upgrade == "period_end")
        case _:
            return LIFETIME


def _fall(model: FallDocument) -> Fall:
    if model == FallDocument():
        return FALLS_AT_ONCE
    warn = timedelta(days=model.warn_days) if model.warn_days else None
    return Fall(model.way, timedelta(days=model.grace_days), warn)


TIER_PLANS: Final = DocumentKind("tier_plan", TierPlanDocument, compile_plan, single=CODE)
