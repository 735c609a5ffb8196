"""What goes in and out over HTTP about adjustments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from loyalty_svc.adjustments.correcting import Adjustment, Status


def _moves(amount: int) -> int:
    if amount == 0:
        raise ValueError("must not be 0")
    return amount


class AdjustmentIn(BaseModel):
    """A correction; a negative amount takes points."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"amount": 50, "reason": "the parcel came a week late"}]},
    )

    account_type: Annotated[str, Field(min_length=1, max_length=64)] = "points"
    amount: Annotated[int, Field(ge=-(10**12), le=10**12, strict=True), AfterValidator(_moves)]
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class DecisionIn(BaseModel):
    """What the second person says."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class AdjustmentOut(BaseModel):
    """A correction and who decided it; `waiting` for a second person, `booked` or `refused`."""

    id: UUID
    customer_id: UUID
    account_type: str
    amount: int
    reason: str
    status: Status
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    posting_id: UUID | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, one: Adjustment) -> "AdjustmentOut":
        """From the heart's."""
        facts = {name: getattr(one, name) for name in cls.model_fields if name != "allowed_actions"}
        return cls(**facts, allowed_actions=["approve", "refuse"] if one.status == "waiting" else [])
