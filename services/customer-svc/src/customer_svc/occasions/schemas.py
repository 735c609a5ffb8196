"""A customer's next days over HTTP."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from customer_svc.occasions.usecases import Upcoming


class OccasionOut(BaseModel):
    """The next day of one kind: `birthday`, `birthday_month` (its first day) or `anniversary`.

    `years` since he became a customer, for an anniversary; `told_at` when other services first heard of this one.
    """

    kind: str
    occurs_on: date
    years: int | None
    told_at: datetime | None

    @classmethod
    def of(cls, one: Upcoming) -> Self:
        return cls(kind=one.what.kind, occurs_on=one.what.occurs_on, years=one.what.years, told_at=one.told_at)


class OccasionsOut(BaseModel):
    """At most one of each kind, the nearest first."""

    customer_id: UUID
    items: list[OccasionOut]
