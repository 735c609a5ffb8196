"""What goes out over HTTP of earning."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from loyalty_svc.earning.events import CATALOGUES
from loyalty_svc.earning.orders import Credits, OrderEarning, Reading, Refund, parts, reading
from loyalty_svc.earning.returns import LineAward, OrderLine


class EventFields(BaseModel):
    """What rules about one event type may ask: name, kind and operators of each field."""

    on: str
    fields: list[dict[str, Any]]


class FieldsOut(BaseModel):
    """Every event type that rules can be about."""

    events: list[EventFields]

    @classmethod
    def all(cls) -> "FieldsOut":
        """As the catalogues of the service have them."""
        events = [EventFields(on=on, fields=catalogue.describe()) for on, catalogue in CATALOGUES.items()]
        return cls(events=events)


class LineOut(BaseModel):
    """A line of an order, or what a refund says came back of one."""

    sku: str | None
    category: str | None
    brand: str | None
    quantity: int
    amount_minor: int

    @classmethod
    def of(cls, line: OrderLine) -> "LineOut":
        """As it was told."""
        return cls(**line._asdict())


class EarnedOut(BaseModel):
    """Points of these account types, the same in each: given, taken back by refunds, and what stays."""

    account_types: list[str]
    earned: int
    reversed: int
    kept: int


class LineAwardOut(BaseModel):
    """Points (0 while they are held) that some lines earned, counted per piece or by what they cost."""

    rule: str
    points: int
    per: Literal["currency_unit", "item"]
    lines: Annotated[list[int], Field(description="their places in the order's lines, from 0")]

    @classmethod
    def of(cls, award: LineAward) -> "LineAwardOut":
        """Without where it is credited."""
        per: Literal["currency_unit", "item"] = "item" if award.by_item else "currency_unit"
        return cls(rule=award.code, points=award.points, per=per, lines=list(award.places))


class RefundOut(BaseModel):
    """A refund and how it is read.

    by_line: takes back what its lines earned; unknown_lines: the order has no such lines, so that it takes in
    proportion, as one in_proportion that names none; other_currency: has no effect; waiting: the order is not paid yet.
    """

    refund_id: str
    at: AwareDatetime
    currency: str
    amount_minor: int
    lines: list[LineOut]
    read_as: Reading

    @classmethod
    def of(cls, refund: Refund, order: OrderEarning) -> "RefundOut":
        """As the order reads it by now."""
        return cls(
            refund_id=refund.refund_id,
            at=refund.at,
            currency=refund.currency,
            amount_minor=refund.amount_minor,
            lines=[LineOut.of(line) for line in refund.lines],
            read_as=reading(order, refund),
        )


class OrderOut(BaseModel):
    """What an order has earned, and how each of its refunds is read; what payment says is null until it is paid.

    Lines are kept only where a rule per line gave something for one.
    """

    order_uid: UUID
    customer_id: UUID | None
    paid_at: AwareDatetime | None
    currency: str | None
    total_minor: int | None
    earned: list[EarnedOut]
    lines: list[LineOut]
    by_line: list[LineAwardOut]
    refunds: list[RefundOut]

    @classmethod
    def of(cls, order: OrderEarning, credits: Credits) -> "OrderOut":
        """credits: the account types of the programme that judged it."""
        earned = [
            EarnedOut(
                account_types=list(own or credits),
                earned=part.earned,
                reversed=part.reversed,
                kept=part.earned - part.reversed,
            )
            for part, own in parts(order)
            if own or credits
        ]
        return cls(
            order_uid=order.order_uid,
            customer_id=order.customer_id,
            paid_at=order.paid_at,
            currency=order.currency,
            total_minor=None if order.paid_at is None else order.total_minor,
            earned=earned,
            lines=[LineOut.of(line) for line in order.lines],
            by_line=[LineAwardOut.of(award) for award in order.by_line],
            refunds=[RefundOut.of(refund, order) for refund in order.refunds],
        )
