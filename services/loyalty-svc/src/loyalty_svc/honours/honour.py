"""The heart of honours: what one is, who deserves it by rule, and until when it holds. Pure.

A kind of honour is a document of the kind `honour`. One without a condition is given by hand only.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from loyalty_svc.facts import JUDGES
from loyalty_svc.honours.members import MEMBERS, Facts, asked, row_of
from moat.kit.documents.kind import DocumentKind, Doubt, Ref, WrongDocument
from moat.kit.documents.model import DocumentModel, Names
from moat.kit.money import is_currency
from moat.kit.problems import FieldError
from moat.rules import Condition, parse

MONTHS_MAX: Final = 120
Language = Literal["zh-CN", "en"]


class HonourDocument(DocumentModel):
    """A kind of honour as business people write it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "推荐达人", "en": "Advocate"},
                    "told": {"zh-CN": "感谢您把我们介绍给朋友", "en": "Thank you for bringing your friends"},
                    "condition": {
                        "combinator": "and",
                        "rules": [{"field": "referrals_rewarded", "operator": ">=", "value": 3}],
                    },
                    "months": 12,
                }
            ]
        }
    )

    names: Names
    told: Annotated[Names, Field(description="what is said to the member who gets it")]
    condition: Annotated[
        dict[str, Any] | None, Field(description="who gets it by rule; null: it is given by hand only")
    ] = None
    currency: Annotated[str, Field(description="of `spent_minor` in the condition")] = "CNY"
    months: Annotated[int | None, Field(ge=1, le=MONTHS_MAX, description="how long it holds; null: for good")] = None


@dataclass(frozen=True, slots=True)
class Honour:
    """One version of a kind of honour; `rule` is `<code>@<version>`, `asks` the fields that its condition needs."""

    code: str
    rule: str
    names: Mapping[Language, str]
    told: Mapping[Language, str]
    condition: Condition | None
    currency: str
    months: int | None
    asks: frozenset[str]

    def valid_until(self, given_at: datetime, zone: ZoneInfo) -> datetime | None:
        """When it lapses if it is given then, where the programme lives; None: it does not."""
        return None if self.months is None else months_after(given_at, self.months, zone)


class Deserved(NamedTuple):
    """A member whom a rule honours."""

    customer_id: UUID
    honour: Honour


def months_after(at: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The same hour of the same day so many months later, where people live by it; the month's last day if shorter."""
    local = at.astimezone(zone)
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def compile_honour(model: HonourDocument, ref: Ref) -> Honour:
    """What decides. Raises RuleError for the condition, WrongDocument for an unknown currency."""
    if not is_currency(model.currency):
        raise WrongDocument(errors=[FieldError("/currency", "is no currency of ISO 4217")])
    condition = None if model.condition is None else parse(model.condition, MEMBERS, pointer="/condition")
    asks = asked(condition) if condition is not None else frozenset()
    return Honour(ref.code, str(ref), model.names, model.told, condition, model.currency, model.months, asks)


def doubts_about(honour: Honour) -> Sequence[Doubt]:
    """A rule that fits everybody honours nobody."""
    if honour.condition is None or honour.condition.tree.rules:
        return []
    texts = {
        "zh-CN": "此条件适合所有会员：发布后每位会员都会获得该荣誉。",
        "en": "This condition fits every member: all of them get this honour once it is published.",
    }
    return [Doubt("honours.for-everybody", texts)]


HONOURS: Final = DocumentKind("honour", HonourDocument, compile_honour, doubts=doubts_about, read_with=JUDGES)


def by_rule(honours: Iterable[Honour]) -> list[Honour]:
    """Those that are given by rule, by code."""
    return sorted((one for one in honours if one.condition is not None), key=lambda one: one.code)


def deserving(
    honours: Sequence[Honour], members: Mapping[UUID, Facts], *, base_tier: str, now: datetime
) -> list[Deserved]:
    """Who deserves which of them now, in the order of the customers' ids."""
    found = []
    for customer_id, facts in sorted(members.items()):
        rows: dict[str, Mapping[str, Any]] = {}
        for honour in honours:
            if honour.currency not in rows:
                rows[honour.currency] = row_of(facts, currency=honour.currency, base_tier=base_tier, now=now)
            if honour.condition is not None and honour.condition.matches(rows[honour.currency], now=now):
                found.append(Deserved(customer_id, honour))
    return found
