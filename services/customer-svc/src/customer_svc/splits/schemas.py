"""Splits over HTTP."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from customer_svc.profiles.folding import FIELDS
from customer_svc.profiles.schemas import IdentifierOut
from customer_svc.splits.usecases import Plan

ORDERS_SHOWN_MAX: Final = 200


class SplitIn(BaseModel):
    """Who is to part again."""

    model_config = ConfigDict(extra="forbid")

    from_id: Annotated[UUID, Field(description="The id of the customer who was merged away")]


class MovedOrderOut(BaseModel):
    """An order that goes back."""

    order_uid: UUID
    order_id: str
    source: str
    status: str
    at: datetime


class MovedConsentOut(BaseModel):
    """What he had said to one purpose over one channel."""

    purpose: str
    channel: str
    status: str


class SplitOut(BaseModel):
    """What a split moves from the customer in the path to `customer_id`; what is not here stays with the former.

    `orders` are the newest 200, `orders_count` is all of them. `fields` are the names of what his file has again.
    """

    survivor_id: UUID
    customer_id: UUID
    merged_at: datetime
    former_ids: Annotated[list[UUID], Field(description="Who had become him before, and means him again")]
    identifiers: list[IdentifierOut]
    fields: list[str]
    consents: list[MovedConsentOut]
    orders_count: int
    orders: list[MovedOrderOut]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            survivor_id=plan.into_id,
            customer_id=plan.from_id,
            merged_at=plan.merged_at,
            former_ids=list(plan.former_ids),
            identifiers=[
                IdentifierOut(system=row.system or None, kind=row.kind, value=row.value) for row in plan.identifiers
            ],
            fields=[name for name in FIELDS if plan.before.profile.get(name)],
            consents=[
                MovedConsentOut(purpose=row["purpose"], channel=row["channel"], status=row["status"])
                for row in plan.before.consents
            ],
            orders_count=len(plan.orders),
            orders=[
                MovedOrderOut(
                    order_uid=row.order_uid, order_id=row.order_id, source=row.source, status=row.status, at=row.at
                )
                for row in plan.orders[:ORDERS_SHOWN_MAX]
            ],
        )
