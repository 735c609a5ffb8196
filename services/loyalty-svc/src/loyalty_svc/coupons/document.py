"""The heart's way from the document that people write to the coupon that decides."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from loyalty_svc.coupons.basket import BASKET, BASKET_LINE, Basket, Line
from loyalty_svc.coupons.coupon import AmountOff, Benefit, Coupon, FreeShipping, Gift, PercentOff, Worth
from moat.kit.documents.kind import DocumentKind, Doubt, Ref, WrongDocument
from moat.kit.documents.model import DocumentModel, Names
from moat.kit.instants import Instant
from moat.kit.money import AMOUNT_MAX, is_currency, minor_units
from moat.kit.problems import FieldError
from moat.rules import parse

EVERY_BASKET: Final[dict[str, Any]] = {"combinator": "and", "rules": []}
USES_MAX: Final = 100_000_000
Amount = Annotated[int, Field(ge=1, le=AMOUNT_MAX, strict=True)]
Uses = Annotated[int, Field(ge=1, le=USES_MAX, strict=True)]


Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]


class AmountOffIn(DocumentModel):
    """So much off the goods."""

    kind: Literal["amount_off"]
    currency: Currency
    amount_minor: Amount


class Ceiling(DocumentModel):
    """At most so much."""

    currency: Currency
    amount_minor: Amount


class PercentOffIn(DocumentModel):
    """A share of the goods, in hundredths of a percent: 1250 is 12.5 %."""

    kind: Literal["percent_off"]
    basis_points: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    ceiling: Ceiling | None = None


class FreeShippingIn(DocumentModel):
    """The shipping for nothing."""

    kind: Literal["free_shipping"]
    ceiling: Ceiling | None = None


class GiftIn(DocumentModel):
    """Something put in with the goods."""

    kind: Literal["gift"]
    sku: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 1


BenefitIn = Annotated[AmountOffIn | PercentOffIn | FreeShippingIn | GiftIn, Field(discriminator="kind")]


class Limits(DocumentModel):
    """How often; null is without limit."""

    per_code: Uses | None = 1
    per_customer: Uses | None = None
    per_pool: Uses | None = None


class StackingIn(DocumentModel):
    """With which others in a basket: `alone`, or `with_others`, one of each `group`; the highest `priority` first."""

    mode: Literal["alone", "with_others"] = "alone"
    group: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")] | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000, strict=True)] = 0


class CouponDocument(DocumentModel):
    """A coupon. `condition` asks about the basket, `lines` narrows which of its lines are counted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "满 200 减 20", "en": "20 off from 200"},
                    "benefit": {"kind": "amount_off", "currency": "CNY", "amount_minor": 2000},
                    "condition": {
                        "combinator": "and",
                        "rules": [{"field": "total_minor", "operator": ">=", "value": 20_000}],
                    },
                    "valid_days": 30,
                }
            ]
        }
    )

    names: Names
    terms: Names | None = None
    benefit: BenefitIn
    condition: dict[str, Any] = EVERY_BASKET
    lines: dict[str, Any] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    valid_days: Annotated[int, Field(ge=1, le=3650, strict=True)] | None = None
    limits: Limits = Limits()
    stacking: StackingIn = StackingIn()

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "CouponDocument":
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("starts_at must be before ends_at")
        return self


def compile_coupon(model: CouponDocument, ref: Ref) -> Coupon:
    """What decides. Raises WrongDocument or RuleError naming each wrong place."""
    benefit = _benefit(model.benefit)
    if benefit.currency is not None and not is_currency(benefit.currency):
        place = "/benefit/currency" if isinstance(benefit, AmountOff) else "/benefit/ceiling/currency"
        raise WrongDocument(errors=[FieldError(place, f"{benefit.currency} is no active ISO 4217 currency")])
    if model.lines is not None and isinstance(benefit, FreeShipping | Gift):
        raise WrongDocument(errors=[FieldError("/lines", f"a {model.benefit.kind} coupon counts no lines")])
    return Coupon(
        code=ref.code,
        version=ref.version,
        names=_texts(model.names),
        terms=_texts(model.terms) if model.terms else None,
        benefit=benefit,
        condition=parse(model.condition, BASKET, pointer="/condition"),
        lines=None if model.lines is None else parse(model.lines, BASKET_LINE, pointer="/lines"),
        starts_at=model.starts_at,
        ends_at=model.ends_at,
        valid_days=model.valid_days,
        uses_per_code=model.limits.per_code,
        uses_per_customer=model.limits.per_customer,
        uses_per_pool=model.limits.per_pool,
        stacking=model.stacking.mode,
        group=model.stacking.group,
        priority=model.stacking.priority,
    )


def _texts(names: Names) -> dict[str, str]:
    return {str(language): text for language, text in names.items()}


def _benefit(benefit: BenefitIn) -> Benefit:
    match benefit:
        case AmountOffIn():
            return AmountOff(benefit.currency, benefit.amount_minor)
        case PercentOffIn(ceiling=None):
            return PercentOff(benefit.basis_points)
        case PercentOffIn(ceiling=Ceiling() as ceiling):
            return PercentOff(benefit.basis_points, ceiling.currency, ceiling.amount_minor)
        case FreeShippingIn(ceiling=None):
            return FreeShipping()
        case FreeShippingIn(ceiling=Ceiling() as ceiling):
            return FreeShipping(ceiling.currency, ceiling.amount_minor)
        case GiftIn():
            return Gift(benefit.sku, benefit.quantity)
    raise AssertionError(benefit)


def doubts(coupon: Coupon) -> list[Doubt]:
    """What is seldom meant: giving the goods away, and a share of any basket without a ceiling."""
    benefit = coupon.benefit
    if not isinstance(benefit, PercentOff):
        return []
    found: list[Doubt] = []
    if benefit.basis_points == 10_000:
        texts = {"zh-CN": "这张券会让商品完全免费", "en": "This coupon gives the goods away"}
        found.append(Doubt("gives-goods-away", texts))
    elif benefit.basis_points > 5_000 and benefit.ceiling_minor is None:
        texts = {"zh-CN": "折扣超过一半且没有封顶金额", "en": "More than half off, without a ceiling"}
        found.append(Doubt("no-ceiling", texts))
    return found


COUPONS: Final = DocumentKind("coupon", CouponDocument, compile_coupon, doubts)


def samples(coupon: Coupon, at: datetime) -> list[dict[str, Any]]:
    """What it takes off baskets of 50 to 1,000 whole currency units with 10 for shipping, where it fits them."""
    currency = coupon.benefit.currency or "CNY"
    unit = minor_units(currency)
    found: list[dict[str, Any]] = []
    for units in (50, 100, 200, 500, 1000):
        basket = Basket(currency, (Line(units * unit),), at, shipping_minor=10 * unit)
        fits = coupon.condition.matches(basket.row, now=at)
        worth = coupon.worth(basket, goods_left_minor=basket.total_minor, shipping_left_minor=basket.shipping_minor)
        worth = worth if fits else Worth()
        found.append(
            {
                "currency": currency,
                "total_minor": basket.total_minor,
                "fits": fits,
                "goods_minor": worth.goods_minor,
                "shipping_minor": worth.shipping_minor,
                "gift_sku": worth.gift_sku,
            }
        )
    return found
