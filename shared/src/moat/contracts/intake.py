"""Raw facts from outside, as shops and other systems send them (personal data by nature, kept seven days).

Unlike canonical events they are read strictly: an unknown field or type is refused, by the gateway and by customer-svc
alike, with the pointer to it.
"""

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from moat.contracts.amounts import AmountMinor, Currency
from moat.kit.events import EventData
from moat.kit.instants import Instant

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise ValueError("NUL and lone surrogates cannot be stored")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
ShortText = Annotated[Text, Field(max_length=1000)]
ONE_SPACE_KINDS = frozenset({"phone", "email", "wechat_unionid"})
"""Kinds whose values are one space over all systems."""


class Strict(EventData):
    """A part of a raw fact."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
    TYPE = TOPIC = ""


class Identifier(Strict):
    """An outside name of a customer: (system, kind, value)."""

    system: Name
    kind: Name
    value: Annotated[Text, Field(max_length=500)]


class RawLine(Strict):
    """One line of an order; `amount_minor` is the line's total."""

    sku: Name | None = None
    name: ShortText | None = None
    category: ShortText | None = None
    brand: ShortText | None = None
    quantity: Annotated[int, Field(ge=1, le=10**9, strict=True)] = 1
    amount_minor: AmountMinor


class RawFact(Strict):
    """What every raw fact says: whom it is about, by outside identifiers."""

    TOPIC: ClassVar[str] = "moat.intake"
    customer: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=20)]


class RawOrderFact(RawFact):
    """What every raw fact of an order says."""

    order_id: Name
    order_source: Name | None = None
    """The shop's `source`, where another system reports on its order."""


class RawOrderAmounts(RawOrderFact):
    """Placed and paid carry what was bought."""

    currency: Currency
    total_minor: AmountMinor
    lines: Annotated[tuple[RawLine, ...], Field(max_length=200)] = ()
    channel: Name | None = None


class RawOrderPlaced(RawOrderAmounts):
    """An order was placed."""

    TYPE = "moat.intake.order.placed.v1"


class RawOrderPaid(RawOrderAmounts):
    """An order was paid."""

    TYPE = "moat.intake.order.paid.v1"


class RawOrderShipped(RawOrderFact):
    """An order left the house."""

    TYPE = "moat.intake.order.shipped.v1"
    carrier: Name | None = None
    tracking_number: Name | None = None


class RawOrderDelivered(RawOrderShipped):
    """An order arrived."""

    TYPE = "moat.intake.order.delivered.v1"


class RawOrderDelayed(RawOrderFact):
    """An order will be late."""

    TYPE = "moat.intake.order.delayed.v1"
    promised_at: Instant | None = None
    reason: ShortText | None = None


class RawOrderCancelled(RawOrderFact):
    """An order was cancelled."""

    TYPE = "moat.intake.order.cancelled.v1"
    reason: ShortText | None = None


class RawOrderRefunded(RawOrderFact):
    """Money went back."""

    TYPE = "moat.intake.order.refunded.v1"
    refund_id: Name
    currency: Currency
    amount_minor: Annotated[AmountMinor, Field(gt=0)]
    lines: Annotated[tuple[RawLine, ...], Field(max_length=200)] = ()


Scalar = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | ShortText
    | None
)


class RawActivityRecorded(RawFact):
    """The customer did something that has a name."""

    TYPE = "moat.intake.activity.recorded.v1"
    name: Name
    properties: Annotated[dict[Name, Scalar], Field(max_length=50, default_factory=dict)]


class RawProfile(Strict):
    """The fields to change: an absent one stays, a null one is cleared (see `model_fields_set`)."""

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    gender: Annotated[str, Field(pattern="^(female|male|other|unknown)$")] | None = None
    birthday: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    birthday_calendar: Annotated[str, Field(pattern="^(solar|lunar)$")] | None = None
    locale: Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    emails: Annotated[tuple[ShortText, ...], Field(max_length=20)] | None = None
    phones: Annotated[tuple[ShortText, ...], Field(max_length=20)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise ValueError("at least one field is expected")
        return value


class RawProfileUpdated(RawFact):
    """The customer's own file changed in another system."""

    TYPE = "moat.intake.profile.updated.v1"
    profile: RawProfile


EVENTS = (
    RawOrderPlaced,
    RawOrderPaid,
    RawOrderShipped,
    RawOrderDelivered,
    RawOrderDelayed,
    RawOrderCancelled,
    RawOrderRefunded,
    RawActivityRecorded,
    RawProfileUpdated,
)
