"""What goes in and out over HTTP about uses of coupons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Row

from loyalty_svc.coupon_uses.judging import Judged
from loyalty_svc.coupon_uses.usecases import CODES_MAX, RESERVED_FOR, RESERVED_MINUTES_MAX
from loyalty_svc.coupon_uses.wording import sentence
from loyalty_svc.coupons.basket import Basket, Line
from loyalty_svc.coupons.codes import TYPED_CHARACTERS_MAX
from moat.contracts.amounts import AmountMinor, Currency
from moat.kit.money import AMOUNT_MAX

Short = Annotated[str, Field(min_length=1, max_length=200)]
Codes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=TYPED_CHARACTERS_MAX)]],
    Field(min_length=1, max_length=CODES_MAX, examples=[["acde-fghj-kmnp"]]),
]


class LineIn(BaseModel):
    """One line; `amount_minor` is the line's total before coupons."""

    model_config = ConfigDict(extra="forbid")

    sku: Short | None = None
    category: Short | None = None
    brand: Short | None = None
    quantity: Annotated[int, Field(ge=1, le=10**9, strict=True)] = 1
    amount_minor: AmountMinor


class BasketIn(BaseModel):
    """What is about to be bought. The goods are the sum of the lines."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "currency": "CNY",
                    "lines": [{"sku": "cd-rock", "category": "music", "amount_minor": 12000}],
                    "shipping_minor": 800,
                }
            ]
        },
    )

    currency: Currency
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=200)]
    shipping_minor: AmountMinor = 0
    channel: Short | None = None

    @model_validator(mode="after")
    def _stays_below_the_most(self) -> "BasketIn":
        if sum(line.amount_minor for line in self.lines) > AMOUNT_MAX:
            raise ValueError(f"the lines come to more than {AMOUNT_MAX}")
        return self

    def to_basket(self, at: datetime) -> Basket:
        """As the heart sees it."""
        lines = tuple(
            Line(line.amount_minor, line.quantity, line.sku, line.category, line.brand) for line in self.lines
        )
        return Basket(self.currency, lines, at, self.shipping_minor, self.channel)


class ValidateIn(BaseModel):
    """Codes as they were typed, in the order of preference, and the basket."""

    model_config = ConfigDict(extra="forbid")

    codes: Codes
    basket: BasketIn


class ReasonOut(BaseModel):
    """Why not: a stable code and a sentence in the reader's language."""

    code: str
    text: str


class JudgedOut(BaseModel):
    """One code: what it takes off, or every reason why it does not."""

    code: str
    usable: bool
    coupon: str | None
    name: str | None
    goods_minor: int = 0
    shipping_minor: int = 0
    gift_sku: str | None = None
    gift_quantity: int = 0
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, judged: Judged, language: str) -> "JudgedOut":
        """In the reader's language."""
        worth, coupon = judged.worth, judged.coupon
        return cls(
            code=judged.code,
            usable=judged.is_usable,
            coupon=coupon.code if coupon else None,
            name=coupon.names[language] if coupon else None,
            goods_minor=worth.goods_minor if worth else 0,
            shipping_minor=worth.shipping_minor if worth else 0,
            gift_sku=worth.gift_sku if worth else None,
            gift_quantity=worth.gift_quantity if worth else 0,
            reasons=[
                ReasonOut(code=refusal.reason.value, text=sentence(refusal, language)) for refusal in judged.refusals
            ],
        )


class ValidationOut(BaseModel):
    """The codes, and what those that may be used together take off."""

    currency: str
    total_minor: int
    goods_minor: int
    shipping_minor: int
    codes: list[JudgedOut]

    @classmethod
    def of(cls, judged: Sequence[Judged], basket: Basket, language: str) -> "ValidationOut":
        """In the reader's language."""
        codes = [JudgedOut.of(one, language) for one in judged]
        return cls(
            currency=basket.currency,
            total_minor=basket.total_minor,
            goods_minor=sum(code.goods_minor for code in codes),
            shipping_minor=sum(code.shipping_minor for code in codes),
            codes=codes,
        )


class ReserveIn(ValidateIn):
    """Codes to put aside while the customer pays; `order_id` is the shop's, if it has one yet."""

    minutes: Annotated[int, Field(ge=1, le=RESERVED_MINUTES_MAX, strict=True)] = RESERVED_FOR.seconds // 60
    order_id: Short | None = None


class RedeemIn(BaseModel):
    """The order that was paid for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"order_id": "o-1001"}]})

    order_id: Short | None = None


class RollBackIn(BaseModel):
    """Why the codes are given back; it is kept with the uses, and events do not repeat it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the order was cancelled"}]})

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class UseOut(BaseModel):
    """One use of one code. `timed_out` and `released` were never redeemed; `rolled_back` was."""

    id: UUID
    checkout_id: UUID
    code: str
    coupon: str
    version: int
    state: Literal["reserved", "redeemed", "released", "timed_out", "rolled_back"]
    currency: str
    goods_minor: int
    shipping_minor: int
    gift_sku: str | None
    gift_quantity: int
    order_id: str | None
    reserved_at: datetime
    until: datetime
    redeemed_at: datetime | None
    ended_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> "UseOut":
        """From a row of `queries.uses_of`."""
        return cls.model_validate(dict(row._mapping))


class CheckoutOut(BaseModel):
    """The codes that were put aside together, by the id that redeems them or gives them back."""

    id: UUID
    customer_id: UUID
    uses: list[UseOut]
    allowed_actions: list[Literal["redeem", "roll_back"]]

    @classmethod
    def of(cls, rows: Sequence[Row[Any]]) -> "CheckoutOut":
        """From the rows of `queries.uses_of`, one at least."""
        uses = [UseOut.of(row) for row in rows]
        allowed: dict[str, list[Literal["redeem", "roll_back"]]] = {
            "reserved": ["redeem", "roll_back"],
            "redeemed": ["roll_back"],
        }
        return cls(
            id=uses[0].checkout_id,
            customer_id=rows[0].customer_id,
            uses=uses,
            allowed_actions=allowed.get(uses[0].state, []),
        )
