"""The heart's way from the document that people write to the reward that decides."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from loyalty_svc.rewards.reward import MEMBER, CustomerLimit, Kind, Reward
from moat.kit.documents.kind import DocumentKind, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.instants import Instant
from moat.kit.money import AMOUNT_MAX, Money, is_currency
from moat.kit.problems import FieldError
from moat.rules import parse

EVERYBODY: Final[dict[str, Any]] = {"combinator": "and", "rules": []}
Amount = Annotated[int, Field(ge=1, le=AMOUNT_MAX, strict=True)]


class MoneyIn(DocumentModel):
    """Money beside the points; the shop takes it."""

    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    amount_minor: Amount


class Price(DocumentModel):
    """What one piece costs."""

    points: Amount
    account_type: Code = "points"
    money: MoneyIn | None = None


class LimitIn(DocumentModel):
    """So many pieces for one customer, ever or within the last `days`."""

    times: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    days: Annotated[int, Field(ge=1, le=3650, strict=True)] | None = None


class RewardDocument(DocumentModel):
    """A reward. `stock` is how many pieces there ever are: to restock, publish a version with more of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "good",
                    "names": {"zh-CN": "帆布袋", "en": "Canvas bag"},
                    "price": {"points": 800},
                    "stock": 200,
                    "per_customer": {"times": 2, "days": 365},
                    "condition": {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "gold"}]},
                }
            ]
        }
    )

    kind: Kind
    names: Names
    about: Names | None = None
    price: Price
    stock: Annotated[int, Field(ge=0, le=10**9, strict=True)] | None = None
    per_customer: LimitIn | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    condition: dict[str, Any] = EVERYBODY
    coupon: Code | None = None
    sku: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "RewardDocument":
        if (self.kind == "coupon") != (self.coupon is not None):
            raise ValueError("coupon belongs to rewards of the kind coupon, and they need it")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("starts_at must be before ends_at")
        return self


def compile_reward(model: RewardDocument, ref: Ref) -> Reward:
    """What decides. Raises WrongDocument or RuleError naming each wrong place."""
    money = model.price.money
    if money is not None and not is_currency(money.currency):
        wrong = FieldError("/price/money/currency", f"{money.currency} is no active ISO 4217 currency")
        raise WrongDocument(errors=[wrong])
    limit = model.per_customer
    return Reward(
        code=ref.code,
        version=ref.version,
        kind=model.kind,
        names=_texts(model.names),
        about=_texts(model.about) if model.about else None,
        points=model.price.points,
        account_type=model.price.account_type,
        money=Money(money.currency, money.amount_minor) if money else None,
        condition=parse(model.condition, MEMBER, pointer="/condition"),
        stock=model.stock,
        per_customer=CustomerLimit(limit.times, limit.days) if limit else None,
        starts_at=model.starts_at,
        ends_at=model.ends_at,
        coupon=model.coupon,
        sku=model.sku,
    )


def _texts(names: Names) -> dict[str, str]:
    return {str(language): text for language, text in names.items()}


REWARDS: Final = DocumentKind("reward", RewardDocument, compile_reward)
