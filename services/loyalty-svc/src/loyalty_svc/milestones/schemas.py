"""Milestones over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from loyalty_svc.milestones.plans import Language


class MilestoneOut(BaseModel):
    """One milestone a customer has reached; `name` in the reader's language, as the plan that gave had it.

    `period` is the year it counts for, or `ever`; `withdrawn_at` when its reason fell away and the gift was taken back.
    """

    milestone: str
    name: str
    period: str
    at: datetime
    account_type: str | None
    points: int | None
    coupon: str | None
    rule: str
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, row: Any, names: Mapping[str, Mapping[Language, str]], language: Language) -> Self:
        """From a row of `queries.reached_of`; names by rule (`<code>@<version>`)."""
        return cls(
            milestone=row.plan,
            name=names.get(row.rule, {}).get(language, row.plan),
            period=row.period,
            at=row.at,
            account_type=row.account_type,
            points=row.points,
            coupon=row.coupon,
            rule=row.rule,
            withdrawn_at=row.withdrawn_at,
        )
