"""What goes in and out over HTTP about holds."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.holds.holding import Hold, Status

POINTS_MAX = 10**12
Points = Annotated[int, Field(ge=1, le=POINTS_MAX, strict=True)]


class HoldIn(BaseModel):
    """Points to put aside."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"amount": 30, "seconds": 900, "reason": "checkout", "order_id": "o-1001"}]},
    )

    account_type: Annotated[str, Field(min_length=1, max_length=64)] = "points"
    amount: Points
    seconds: Annotated[int, Field(ge=1, le=2_592_000, description="given back after so long; 30 days at most")] = 900
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$", description="a code, which events repeat")]
    order_id: Annotated[str, Field(max_length=200)] | None = None


class ConfirmIn(BaseModel):
    """How much of it is spent; all of it when absent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": 20}]})

    amount: Points | None = None


class HoldOut(BaseModel):
    """Points that were put aside; `confirmed` of them were spent."""

    id: UUID
    account_type: str
    amount: int
    confirmed: int
    status: Status
    reason: str
    order_id: str | None
    made_at: datetime
    until: datetime
    resolved_at: datetime | None
    posting_id: UUID | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, hold: Hold) -> "HoldOut":
        """From the heart's."""
        return cls(
            id=hold.id,
            account_type=hold.account_type,
            amount=hold.amount,
            confirmed=hold.confirmed,
            status=hold.status,
            reason=hold.reason,
            order_id=hold.cause.order_id,
            made_at=hold.made_at,
            until=hold.until,
            resolved_at=hold.resolved_at,
            posting_id=hold.posting_id,
            allowed_actions=["confirm", "release"] if hold.status == "held" else [],
        )
