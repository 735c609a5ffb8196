"""What risk says over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from scoring_svc.risk.bands import PRIOR, Assessment, Band
from scoring_svc.risk.reasons import Language, Reason, reasons
from scoring_svc.silence.rhythm import probability, silent_days, usual_days


class ReasonOut(BaseModel):
    """Why: `weight` in points of the score; the weights add up to it."""

    code: str
    text: str
    weight: float

    @classmethod
    def of(cls, reason: Reason, language: Language) -> Self:
        return cls(code=reason.code, text=reason.text(language), weight=reason.weight)


class RiskOut(BaseModel):
    """How surprising the silence is, 0 to 100, unrounded; high from 80, medium from 50."""

    score: Annotated[float, Field(ge=0, le=100)]
    band: Band
    reasons: list[ReasonOut]


class SilenceOut(BaseModel):
    """Days since the last purchase, days usual for this customer, probability of a gap at least as long."""

    days: float
    usual_days: float
    probability: Annotated[float, Field(ge=0, le=1)]


class ScoresOut(BaseModel):
    """A customer's scores at `as_of`; without a paid order `risk` and `silence` are null."""

    customer_id: UUID
    as_of: datetime
    risk: RiskOut | None
    silence: SilenceOut | None
    orders_count: int
    value_minor: int
    value_currency: str | None

    @classmethod
    def of(cls, customer_id: UUID, found: Assessment | None, *, at: datetime, language: Language) -> Self:
        """The scores at `at`, an instant in whole milliseconds."""
        if found is None:
            return cls(
                customer_id=customer_id,
                as_of=at,
                risk=None,
                silence=None,
                orders_count=0,
                value_minor=0,
                value_currency=None,
            )
        why = [ReasonOut.of(reason, language) for reason in reasons(found.rhythm, at, PRIOR)]
        return cls(
            customer_id=customer_id,
            as_of=at,
            risk=RiskOut(score=found.score(at), band=found.band(at), reasons=why),
            silence=SilenceOut(
                days=silent_days(found.rhythm, at),
                usual_days=usual_days(found.rhythm, PRIOR),
                probability=probability(found.rhythm, at, PRIOR),
            ),
            orders_count=found.orders_count,
            value_minor=found.value_minor,
            value_currency=found.value_currency,
        )


class BandsOut(BaseModel):
    """How many customers are in each band."""

    low: int
    medium: int
    high: int


class AmountOut(BaseModel):
    """Minor units of a currency."""

    currency: str
    amount_minor: int


class SummaryOut(BaseModel):
    """All customers with a paid order, by band; `at_risk_value` is what those in the high band have spent."""

    customers: int
    bands: BandsOut
    at_risk_value: list[AmountOut]
