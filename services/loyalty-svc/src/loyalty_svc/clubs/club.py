"""The heart of what a club is: the ways into it, how long a term is, and what its members have. Pure.

A club is a document of the kind `club`. What happens is judged by the version that was valid then, and a term stays as
that version gave it; what members have is what the club's latest version says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator

from loyalty_svc.clubs.terms import Term
from loyalty_svc.facts import JUDGES
from loyalty_svc.tiers.evaluation import Benefit
from loyalty_svc.tiers.plans import BENEFITS_MAX, BenefitDocument
from moat.kit.documents.kind import DocumentKind, Published, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import AMOUNT_MAX, is_currency
from moat.kit.problems import FieldError
from moat.rules import Catalogue, Condition, Number, parse

SKUS_MAX: Final = 50
MEMBER: Final = Catalogue(
    {
        "growth": Number(whole=True),
        "spent_minor": Number(whole=True),
        "orders": Number(whole=True),
        "days_since_first_order": Number(whole=True),
    }
)
"""What joining by value may ask: what he had come to at that instant, so that it does not matter when it becomes known.

`spent_minor` is less refunds, in the currency of the club's threshold; days are whole ones, 0 before the first order.
"""
AtLeast = Annotated[int, Field(ge=1, le=AMOUNT_MAX, strict=True)]
Over = Annotated[
    Literal["term", "lifetime"],
    Field(description="term: reached within one term, for one term; lifetime: reached ever, for as long as it stands"),
]


class TermDocument(DocumentModel):
    """How long a membership is, in civil days or months of the programme's zone."""

    unit: Literal["days", "months"]
    count: Annotated[int, Field(ge=1, le=3_650, strict=True)]


class Growth(DocumentModel):
    """Growth that was earned and kept."""

    kind: Literal["growth"]
    account_type: Code = "growth"
    at_least: AtLeast
    over: Over = "lifetime"


class Spend(DocumentModel):
    """What paid orders came to, less refunds."""

    kind: Literal["spend"]
    currency: str = "CNY"
    at_least: Annotated[AtLeast, Field(description="minor units")]
    over: Over = "lifetime"


class ByValue(DocumentModel):
    """Who reaches a value joins by himself, and is renewed when he reaches it again within the term."""

    value: Annotated[Growth | Spend, Field(discriminator="kind")]
    condition: dict[str, Any] | None = None


class ByPayment(DocumentModel):
    """Who pays for an order with one of these joins, or is renewed; so many pieces, so many terms."""

    skus: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=SKUS_MAX)
    ]


class ClubDocument(DocumentModel):
    """A club as business people write it; at least one way leads into it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "读书会", "en": "Reading circle"},
                    "by_payment": {"skus": ["CARD-YEAR"]},
                    "by_value": {"value": {"kind": "spend", "at_least": 1_000_000, "over": "term"}},
                    "term": {"unit": "months", "count": 12},
                    "remind_days": 30,
                    "grace_days": 15,
                }
            ]
        }
    )

    names: Names
    about: Names | None = None
    by_invitation: bool = False
    by_value: ByValue | None = None
    by_payment: ByPayment | None = None
    term: Annotated[TermDocument | None, Field(description="null: for ever")] = None
    remind_days: Annotated[int, Field(ge=0, le=366, strict=True, description="before the end; 0: nobody is told")] = 0
    grace_days: Annotated[int, Field(ge=0, le=366, strict=True, description="benefits go on after the end")] = 0
    benefits: Annotated[list[BenefitDocument], Field(default_factory=list, max_length=BENEFITS_MAX)]

    @model_validator(mode="after")
    def _can_be_joined(self) -> Self:
        if not (self.by_invitation or self.by_value or self.by_payment):
            raise ValueError("nobody could join: say by_invitation, by_value or by_payment")
        return self


class Value(NamedTuple):
    """What has to be reached. of: an account type; None is spend, in `currency`, minor units."""

    of: str | None
    currency: str
    at_least: int
    is_for_life: bool
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Club:
    """One version of a club; `rule` is `<code>@<version>`, `term` is None for ever."""

    code: str
    rule: str
    names: Mapping[str, str]
    about: Mapping[str, str] | None
    by_invitation: bool
    value: Value | None
    skus: frozenset[str]
    term: Term | None
    remind_days: int
    grace_days: int
    benefits: tuple[Benefit, ...]


Versions = Mapping[str, Sequence[Published[Club]]]
"""All versions of each club by its code, the earliest first."""


def compile_club(model: ClubDocument, ref: Ref) -> Club:
    """The club of a document. Raises RuleError for its condition, WrongDocument for whatever else cannot be."""
    if errors := [*_wrong_term(model), *_wrong_value(model), *_wrong_benefits(model)]:
        raise WrongDocument(errors[0].detail, errors=errors)
    return Club(
        ref.code,
        str(ref),
        _texts(model.names),
        _texts(model.about) if model.about else None,
        model.by_invitation,
        _value(model.by_value) if model.by_value else None,
        frozenset(model.by_payment.skus if model.by_payment else ()),
        Term(model.term.unit, model.term.count) if model.term else None,
        model.remind_days,
        model.grace_days,
        tuple(Benefit(one.code, _texts(one.names), one.terms) for one in model.benefits),
    )


def _wrong_term(model: ClubDocument) -> list[FieldError]:
    if model.term is None:
        for_ever = "a club for ever has no end"
        return [FieldError(f"/{name}", for_ever) for name in ("remind_days", "grace_days") if getattr(model, name)]
    shortest = Term(model.term.unit, model.term.count).days_min
    if model.remind_days >= shortest:
        return [FieldError("/remind_days", f"must be less than the term, which may have {shortest} days")]
    return []


def _wrong_value(model: ClubDocument) -> list[FieldError]:
    if model.by_value is None:
        return []
    value, errors = model.by_value.value, []
    if value.over == "term" and model.term is None:
        errors.append(FieldError("/by_value/value/over", "a club for ever has no term; say lifetime"))
    if isinstance(value, Spend) and not is_currency(value.currency):
        errors.append(FieldError("/by_value/value/currency", "is no currency of ISO 4217"))
    return errors


def _wrong_benefits(model: ClubDocument) -> list[FieldError]:
    codes = [benefit.code for benefit in model.benefits]
    return [
        FieldError(f"/benefits/{place}/code", f"there are two benefits {code}")
        for place, code in enumerate(codes)
        if code in codes[:place]
    ]


def _value(by: ByValue) -> Value:
    value = by.value
    condition = None if by.condition is None else parse(by.condition, MEMBER, pointer="/by_value/condition")
    is_for_life = value.over == "lifetime"
    if isinstance(value, Growth):
        return Value(value.account_type, "CNY", value.at_least, is_for_life, condition)
    return Value(None, value.currency, value.at_least, is_for_life, condition)


def _texts(names: Names) -> Mapping[str, str]:
    return {str(language): text for language, text in names.items()}


CLUBS: Final = DocumentKind("club", ClubDocument, compile_club, read_with=JUDGES)
