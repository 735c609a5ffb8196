"""The documents of earning as business people write them: one for each rule, and one for the programme."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from loyalty_svc.accounts.types import Expiry
from loyalty_svc.earning.events import CATALOGUES, ORDER_PAID
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import is_currency
from moat.kit.problems import nearest

Points = Annotated[int, Field(ge=1, le=1_000_000)]
Rounding = Literal["down", "up", "half_up"]
Factor = Annotated[Decimal, Field(gt=0, le=100, max_digits=7, decimal_places=4)]
Credits = Annotated[list[Code], Field(min_length=1, max_length=5)]
Per = Literal["hour", "day", "week", "month", "ever"]


class Rate(DocumentModel):
    """Points for each so many currency units of the order's total; computed exactly, rounded once."""

    kind: Literal["rate"]
    points: Points
    per: Literal["currency_unit"] = "currency_unit"
    each: Annotated[int, Field(ge=1, le=1_000_000, description="units: 3 points for each 10 yuan is 3 and 10")] = 1
    rounding: Rounding = "down"


class Fixed(DocumentModel):
    """So many points for each event that matches."""

    kind: Literal["fixed"]
    points: Points


class PerLine(DocumentModel):
    """Points for the lines that fit a filter: for each currency unit of what they cost, or for each piece."""

    kind: Literal["per_line"]
    points: Points
    per: Literal["currency_unit", "item"] = "currency_unit"
    each: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    lines: Annotated[dict[str, Any], Field(description="a condition over sku, category, brand, quantity, amount_minor")]
    rounding: Rounding = "down"


class Multiplier(DocumentModel):
    """On top of what another rule gave: `times` 2 gives as much again."""

    kind: Literal["multiplier"]
    of: Code
    times: Annotated[Decimal, Field(gt=1, le=100, max_digits=7, decimal_places=4)]
    rounding: Rounding = "down"


Formula = Annotated[Rate | Fixed | PerLine | Multiplier, Field(discriminator="kind")]


class LimitDocument(DocumentModel):
    """At most so many points, or awards, in a period of the programme's zone; weeks begin on Monday.

    way: `cap` gives what still fits, `refuse` gives nothing of an award that does not fit, `hold` lets a person decide
    (a velocity guard).
    """

    of: Literal["customer", "everyone"]
    per: Per
    what: Literal["points", "awards"] = "points"
    at_most: Annotated[int, Field(ge=1, le=10**12)]
    way: Literal["cap", "refuse", "hold"] = "cap"

    @model_validator(mode="after")
    def _parts_of_awards(self) -> "LimitDocument":
        if self.what == "awards" and self.way == "cap":
            raise ValueError("an award cannot be given in part: a limit of awards refuses or holds")
        return self


class RuleDocument(DocumentModel):
    """An earning rule. It judges events of one type that happen while this version is valid."""

    names: Names
    on: str = ORDER_PAID
    condition: Annotated[dict[str, Any], Field(default={"combinator": "and", "rules": []})]
    award: Formula
    by_tier: Annotated[dict[Code, Factor], Field(default={}, max_length=20, description="tier → factor, 1 for others")]
    credits: Annotated[Credits | None, Field(description="account types; null: those of the programme")] = None
    pending_days: Annotated[int, Field(ge=0, le=366, description="so long the points cannot be spent")] = 0
    expires: Annotated[
        Expiry | None, Field(description="null: as the account type says; never inactivity, which is the type's")
    ] = None
    limits: Annotated[list[LimitDocument], Field(default=[], max_length=10)]
    cooldown_hours: Annotated[int, Field(ge=0, le=24 * 366, description="between two awards of one customer")] = 0
    budget: Annotated[int | None, Field(ge=1, le=10**15, description="points, over all customers and versions")] = None
    begins_at: AwareDatetime | None = None
    ends_at: Annotated[AwareDatetime | None, Field(description="the first instant that it does not judge")] = None
    priority: Annotated[int, Field(ge=-1000, le=1000, description="higher ones come first")] = 0
    group: Annotated[Code | None, Field(description="of the rules of a group only the first that matches awards")] = (
        None
    )

    @field_validator("on")
    @classmethod
    def _is_known(cls, on: str) -> str:
        if on not in CATALOGUES:
            raise ValueError(
                f"no rule can be about this event{nearest(on, CATALOGUES) or ': ' + ', '.join(CATALOGUES)}"
            )
        return on

    @model_validator(mode="after")
    def _money_is_in_orders(self) -> "RuleDocument":
        if self.on != ORDER_PAID and self.award.kind in ("rate", "per_line"):
            raise ValueError(f"{self.on} has no amount: use a fixed award")
        if self.begins_at and self.ends_at and self.begins_at >= self.ends_at:
            raise ValueError("it ends before it begins")
        return self


class ProgrammeDocument(DocumentModel):
    """What all rules share: where points come from and go to, and what holds for all of them together."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"currencies": ["CNY"], "credits": ["points", "growth"]}]}
    )

    currencies: Annotated[list[str], Field(min_length=1, max_length=50)]
    credits: Credits
    zone: str = "Asia/Shanghai"
    limits: Annotated[list[LimitDocument], Field(default=[], max_length=10, description="over all rules together")]

    @field_validator("currencies")
    @classmethod
    def _are_currencies(cls, currencies: list[str]) -> list[str]:
        for currency in currencies:
            if not is_currency(currency):
                raise ValueError(f"{currency!r} is no currency")
        return currencies

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"unknown zone{nearest(zone, available_timezones())}")
        return zone


__all__ = [
    "Fixed",
    "Formula",
    "LimitDocument",
    "Multiplier",
    "PerLine",
    "ProgrammeDocument",
    "Rate",
    "RuleDocument",
]
