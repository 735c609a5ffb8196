"""What goes in and out over HTTP about rewards and redemptions."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from loyalty_svc.coupons.codes import shown
from loyalty_svc.rewards.reward import Kind, State, allowed_actions
from loyalty_svc.rewards.usecases import QUANTITY_MAX, RESERVED_FOR, RESERVED_MINUTES_MAX, Offer
from loyalty_svc.rewards.wording import sentence

Short = Annotated[str, Field(min_length=1, max_length=200)]


class MoneyOut(BaseModel):
    """An amount in minor units."""

    currency: str
    amount_minor: int


class ReasonOut(BaseModel):
    """Why not: a stable code and a sentence in the reader's language."""

    code: str
    text: str


class OfferOut(BaseModel):
    """A reward as this member sees it: what it costs, how many are left, and every reason why he cannot have one."""

    code: str
    version: int
    kind: Kind
    name: str
    about: str | None
    points: int
    account_type: str
    money: MoneyOut | None
    left: int | None
    ends_at: datetime | None
    available: bool
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, offer: Offer, language: str) -> "OfferOut":
        """In the reader's language."""
        reward = offer.reward
        return cls(
            code=reward.code,
            version=reward.version,
            kind=reward.kind,
            name=reward.names[language],
            about=reward.about[language] if reward.about else None,
            points=reward.points,
            account_type=reward.account_type,
            money=MoneyOut(currency=reward.money.currency, amount_minor=reward.money.minor) if reward.money else None,
            left=offer.left,
            ends_at=reward.ends_at,
            available=not offer.refusals,
            reasons=[
                ReasonOut(code=one.reason.value, text=sentence(one, language, units=offer.units))
                for one in offer.refusals
            ],
        )


class RedeemIn(BaseModel):
    """A reward to have at once, or with `reserve` to put aside for so many `minutes` until it is confirmed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"reward": "canvas-bag"}, {"reward": "canvas-bag", "reserve": True, "minutes": 10}]
        },
    )

    reward: Annotated[str, Field(min_length=1, max_length=64, examples=["canvas-bag"])]
    quantity: Annotated[
        int, Field(ge=1, le=QUANTITY_MAX, strict=True, description="pieces; coupons are redeemed one at a time")
    ] = 1
    reserve: bool = False
    minutes: Annotated[int, Field(ge=1, le=RESERVED_MINUTES_MAX, strict=True)] = RESERVED_FOR.seconds // 60


class ConfirmIn(BaseModel):
    """It is paid for; `order_id` is the shop's, where money was paid."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"order_id": "o-1001"}]})

    order_id: Short | None = None


class CancelIn(BaseModel):
    """Why it is given up."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "changed my mind"}]})

    reason: Short | None = None


class MoveOnIn(BaseModel):
    """What it can be found by: a parcel's number, an appointment, a receipt."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reference": "SF1234567890"}]})

    reference: Short | None = None


class RefundIn(BaseModel):
    """Why it is refunded, and whether its pieces can be had again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "arrived broken", "restock": False}]}
    )

    reason: Short
    restock: bool = True


class RedemptionOut(BaseModel):
    """A redemption: `points` and `money` are for all its pieces, `coupon_code` is what a coupon reward gave."""

    id: UUID
    customer_id: UUID
    reward: str
    version: int
    kind: Kind
    quantity: int
    points: int
    account_type: str
    money: MoneyOut | None
    state: State
    made_at: datetime
    until: datetime | None
    redeemed_at: datetime | None
    sent_at: datetime | None
    fulfilled_at: datetime | None
    ended_at: datetime | None
    coupon_code: str | None
    order_id: str | None
    reference: str | None
    reason: str | None
    allowed_actions: list[Literal["confirm", "send", "fulfil", "cancel", "refund"]]

    @classmethod
    def of(cls, row: Row[Any]) -> "RedemptionOut":
        """From a row of `queries.by_id`."""
        money = {"currency": row.money_currency, "amount_minor": row.money_minor} if row.money_minor else None
        more = {
            "money": money,
            "coupon_code": shown(row.coupon_code) if row.coupon_code else None,
            "allowed_actions": allowed_actions(row.state),
        }
        return cls.model_validate({**row._mapping, **more})
