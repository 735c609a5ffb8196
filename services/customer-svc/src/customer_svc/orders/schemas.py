"""What orders say over HTTP."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel


class LineOut(BaseModel):
    """One line of an order; `amount_minor` is the line's total."""

    sku: str | None = None
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    quantity: int = 1
    amount_minor: int


class OrderOut(BaseModel):
    """An order. Without a fact that says so, amounts and instants are null; `refunded_minor` may exceed the total."""

    order_id: str
    source: str
    status: str
    currency: str | None
    total_minor: int | None
    refunded_minor: int
    placed_at: datetime | None
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime | None
    cancelled_at: datetime | None
    channel: str | None
    lines: list[LineOut]

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(
            order_id=row.order_id,
            source=row.source,
            status=row.status,
            currency=row.currency,
            total_minor=row.total_minor,
            refunded_minor=row.refunded_minor,
            placed_at=row.placed_at,
            paid_at=row.paid_at,
            shipped_at=row.shipped_at,
            delivered_at=row.delivered_at,
            promised_at=row.promised_at,
            cancelled_at=row.cancelled_at,
            channel=row.channel,
            lines=[LineOut(**line) for line in row.lines],
        )
