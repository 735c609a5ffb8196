"""What goes in and out over HTTP about checkouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from sqlalchemy import Row

from loyalty_svc.checkout.checkout import Checkout, Status
from loyalty_svc.checkout.foreseeing import Award, Foreseen
from loyalty_svc.checkout.quoting import Order, Quote
from loyalty_svc.checkout.wording import next_tier, sentence
from loyalty_svc.coupon_uses.schemas import BasketIn, JudgedOut, ReasonOut, Short, UseOut
from loyalty_svc.coupon_uses.usecases import CODES_MAX
from loyalty_svc.coupons.codes import TYPED_CHARACTERS_MAX
from loyalty_svc.reviews.wording import in_words
from loyalty_svc.tiers.schemas import LoyaltyOut, TierOut

MINUTES_MAX = 24 * 60
_BASKET: JsonDict = {
    "currency": "CNY",
    "lines": [{"sku": "cd-rock", "category": "music", "amount_minor": 12000}],
    "shipping_minor": 800,
}


class _OrderIn(BaseModel):
    customer_id: UUID
    basket: BasketIn
    codes: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=TYPED_CHARACTERS_MAX)]], Field(max_length=CODES_MAX)
    ] = []
    account_type: Short = "points"
    points: Annotated[int, Field(ge=0, le=10**12, strict=True, description="that shall pay; whole steps")] = 0

    def to_order(self, now: datetime, order_source: str = "") -> Order:
        """As the use cases see it."""
        return Order(self.basket.to_basket(now), self.codes, self.account_type, self.points, order_source)


class QuoteIn(_OrderIn):
    """A basket to look at. `order_source` is the shop's CloudEvents source, which earning rules may ask for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"customer_id": "019a9f6e-0000-7000-8000-000000000001", "basket": _BASKET, "points": 100}]
        },
    )

    order_source: Short | None = None


class ReserveIn(_OrderIn):
    """A basket on its way to the till: codes or points, or both, are put aside for so many minutes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "019a9f6e-0000-7000-8000-000000000001",
                    "basket": _BASKET,
                    "codes": ["acde-fghj-kmnp"],
                    "points": 100,
                    "minutes": 15,
                    "order_id": "o-1001",
                }
            ]
        },
    )

    minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX, strict=True)] = 15
    order_id: Short | None = None

    @model_validator(mode="after")
    def _puts_something_aside(self) -> "ReserveIn":
        if not self.codes and not self.points:
            raise ValueError("neither codes nor points are to be put aside")
        return self


class ConfirmIn(BaseModel):
    """The order that was paid."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"order_id": "o-1001"}]})

    order_id: Short | None = None


class CancelIn(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "payment failed"}]})

    reason: Short = "checkout cancelled"


class CouponsOut(BaseModel):
    """`chosen`: the codes that were typed, judged together. `wallet`: the member's other codes, each as if alone.

    `wallet_left_out`: how many more he has; codes not used yet come first, of those the ones that end first.
    """

    goods_minor: int
    shipping_minor: int
    chosen: list[JudgedOut]
    wallet: list[JudgedOut]
    wallet_left_out: int


class PointsOut(BaseModel):
    """What points may do: `step_points` take `step_minor` off, `usable` of them `usable_minor` at most.

    `used` is what was asked for, 0 where it was refused; `reason` says why no or not so many points can be used.
    """

    account_type: str
    available: int
    usable: int
    usable_minor: int
    used: int
    used_minor: int
    step_points: int | None
    step_minor: int | None
    reason: ReasonOut | None

    @classmethod
    def of(cls, quote: Quote, language: str) -> "PointsOut":
        """In the reader's language."""
        offer, account_type, currency = quote.points, quote.order.account_type, quote.order.basket.currency
        payment, refusal = offer.payment, offer.refusal
        units = quote.types.units(quote.order.basket.at).get(account_type, {}) if refusal else {}
        return cls(
            account_type=account_type,
            available=offer.available,
            usable=offer.usable,
            usable_minor=payment.worth_minor(offer.usable) if payment else 0,
            used=offer.asked if refusal is None else 0,
            used_minor=offer.asked_minor,
            step_points=payment.step_points if payment else None,
            step_minor=payment.step_minor if payment else None,
            reason=refusal
            and ReasonOut(code=refusal.reason.value, text=sentence(refusal, language, currency=currency, units=units)),
        )


class AwardOut(BaseModel):
    """What one rule would give, in each of `account_types`; `cut_by` is the limit that would make it less."""

    rule: str
    account_types: list[str]
    points: int
    wanted: int
    pending_days: int
    cut_by: str | None
    text: str | None
    held: bool

    @classmethod
    def of(cls, award: Award, language: str) -> "AwardOut":
        """In the reader's language."""
        return cls(
            rule=award.rule,
            account_types=list(award.account_types),
            points=award.points,
            wanted=award.wanted,
            pending_days=award.pending.days if award.pending else 0,
            cut_by=award.cut_by,
            text=in_words(award.cut_by, language) if award.cut_by else None,
            held=award.is_held,
        )


class EarnsOut(BaseModel):
    """What the order would earn if `total_minor` of money were paid for it now, by account type and rule by rule."""

    total_minor: int
    points: dict[str, int]
    awards: list[AwardOut]

    @classmethod
    def of(cls, foreseen: Foreseen, language: str) -> "EarnsOut":
        """In the reader's language."""
        awards = [AwardOut.of(award, language) for award in foreseen.awards]
        return cls(total_minor=foreseen.total_minor, points=dict(foreseen.points), awards=awards)


class NextOut(BaseModel):
    """What would still be missing to the next tier once this order is paid, in numbers and in words.

    In the unit of what the plan counts; 0 is reached, be it that the tier begins only when the period ends.
    """

    missing_after: int
    text: str


class QuoteOut(BaseModel):
    """What a basket comes to for one member. Nothing is put aside; `after_order` is null at the top of the tiers."""

    customer_id: UUID
    currency: str
    goods_minor: int
    shipping_minor: int
    to_pay_minor: int
    coupons: CouponsOut
    points: PointsOut
    earns: EarnsOut
    tier: TierOut
    after_order: NextOut | None

    @classmethod
    def of(cls, quote: Quote, language: str) -> "QuoteOut":
        """In the reader's language."""
        basket = quote.order.basket
        chosen = [JudgedOut.of(one, language) for one in quote.chosen]
        tier = LoyaltyOut.of(quote.customer_id, quote.membership, language).tier
        return cls(
            customer_id=quote.customer_id,
            currency=basket.currency,
            goods_minor=basket.total_minor,
            shipping_minor=basket.shipping_minor,
            to_pay_minor=quote.to_pay_minor,
            coupons=CouponsOut(
                goods_minor=sum(one.goods_minor for one in chosen),
                shipping_minor=sum(one.shipping_minor for one in chosen),
                chosen=chosen,
                wallet=[JudgedOut.of(one, language) for one in quote.wallet],
                wallet_left_out=quote.wallet_left_out,
            ),
            points=PointsOut.of(quote, language),
            earns=EarnsOut.of(quote.foreseen, language),
            tier=tier,
            after_order=_after(tier, quote, language),
        )


def _after(tier: TierOut, quote: Quote, language: str) -> NextOut | None:
    if tier.next is None:
        return None
    counted = quote.membership.plan.over
    missing = max(tier.next.missing - quote.foreseen.points[counted], 0)
    units = quote.types.at(counted, quote.order.basket.at).units
    text = next_tier(tier.next.name, missing, units, quote.rises_at, language)
    return NextOut(missing_after=missing, text=text)


class CheckoutOut(BaseModel):
    """What was put aside together; `to_pay_minor` is what is left for money."""

    id: UUID
    customer_id: UUID
    status: Status
    currency: str
    goods_minor: int
    shipping_minor: int
    goods_off_minor: int
    shipping_off_minor: int
    points: int
    points_minor: int
    to_pay_minor: int
    account_type: str | None
    payment: str | None
    hold_id: UUID | None
    order_id: str | None
    made_at: datetime
    until: datetime
    resolved_at: datetime | None
    coupons: list[UseOut]
    allowed_actions: list[Literal["confirm", "cancel"]]

    @classmethod
    def of(cls, checkout: Checkout, uses: Sequence[Row[Any]], *, now: datetime) -> "CheckoutOut":
        """As it is now, with the rows of its coupon uses."""
        status = checkout.status(now)
        facts = {name: getattr(checkout, name) for name in cls.model_fields if hasattr(checkout, name)}
        return cls(
            **facts | {"status": status},
            coupons=[UseOut.of(row) for row in uses],
            allowed_actions=["confirm", "cancel"] if status == "reserved" else [],
        )
