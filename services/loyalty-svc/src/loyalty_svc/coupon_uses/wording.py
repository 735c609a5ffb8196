"""The heart of explanations: reasons why not, in the languages of the house."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from loyalty_svc.coupon_uses.judging import Reason, Refusal
from loyalty_svc.coupons.basket import BASKET
from moat.kit.money import minor_units
from moat.rules import Decided

SENTENCES: Final[Mapping[Reason, Mapping[str, str]]] = {
    Reason.UNKNOWN: {"zh-CN": "没有这个优惠码", "en": "There is no such code"},
    Reason.NOT_YOURS: {"zh-CN": "这个优惠码属于另一位会员", "en": "This code belongs to another member"},
    Reason.WITHDRAWN: {"zh-CN": "这个优惠码已作废", "en": "This code was withdrawn"},
    Reason.NOT_BEGUN: {"zh-CN": "{starts_at} 起才可使用", "en": "It can be used from {starts_at}"},
    Reason.EXPIRED: {"zh-CN": "已于 {expires_at} 过期", "en": "It expired on {expires_at}"},
    Reason.USED_UP: {"zh-CN": "这个优惠码已被使用", "en": "This code has been used"},
    Reason.CUSTOMER_LIMIT: {"zh-CN": "每位会员限用 {limit} 次", "en": "Each member may use it {limited}"},
    Reason.POOL_LIMIT: {"zh-CN": "名额已用完（共 {limit} 次）", "en": "All uses are taken: {limit}"},
    Reason.CURRENCY: {
        "zh-CN": "只适用于 {expected} 订单，本单为 {currency}",
        "en": "It is for orders in {expected}, and this one is in {currency}",
    },
    Reason.CONDITION: {"zh-CN": "购物车不符合条件：{why}", "en": "The basket does not fit: {why}"},
    Reason.WORTH_NOTHING: {"zh-CN": "对这个购物车没有优惠", "en": "It takes nothing off this basket"},
    Reason.STACKING: {"zh-CN": "不能与“{other}”同时使用", "en": "It cannot be used together with “{other}”"},
}
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "currency": {"zh-CN": "币种", "en": "the currency"},
    "total_minor": {"zh-CN": "商品金额", "en": "the goods"},
    "quantity": {"zh-CN": "件数", "en": "the number of pieces"},
    "shipping_minor": {"zh-CN": "运费", "en": "the shipping"},
    "channel": {"zh-CN": "渠道", "en": "the channel"},
    "tier": {"zh-CN": "会员等级", "en": "the tier"},
    "discount_share": {"zh-CN": "用券订单占比（%）", "en": "the percent of orders with a coupon"},
    "at": {"zh-CN": "时间", "en": "the time"},
    "lines": {"zh-CN": "商品", "en": "the goods chosen"},
}
_IS: Final[Mapping[str, Mapping[str, str]]] = {
    "=": {"zh-CN": "应为 {value}", "en": "must be {value}"},
    "!=": {"zh-CN": "不能是 {value}", "en": "must not be {value}"},
    "<": {"zh-CN": "应低于 {value}", "en": "must be below {value}"},
    "<=": {"zh-CN": "不能超过 {value}", "en": "must be at most {value}"},
    ">": {"zh-CN": "应高于 {value}", "en": "must be above {value}"},
    ">=": {"zh-CN": "至少为 {value}", "en": "must be at least {value}"},
    "in": {"zh-CN": "应为 {value} 之一", "en": "must be one of {value}"},
    "notIn": {"zh-CN": "不能是 {value}", "en": "must be none of {value}"},
}
_MISSING: Final = {"zh-CN": "还差 {missing}", "en": "{missing} more is needed"}
_OTHERWISE: Final = {"zh-CN": "不满足要求", "en": "is not as required"}
_JOINED: Final = {"zh-CN": "；", "en": "; "}
_SHOWN_MAX: Final = 3
"""So many parts of a condition are told of; more would not be read."""


def sentence(refusal: Refusal, language: str, *, zone: str = BASKET.zone) -> str:
    """One reason as a sentence; instants in `zone`, amounts with their currency."""
    facts = {name: _shown(value, zone) for name, value in refusal.facts.items()}
    if refusal.reason is Reason.CUSTOMER_LIMIT:
        facts["limited"] = "once" if refusal.facts["limit"] == 1 else f"{refusal.facts['limit']} times"
    if refusal.reason is Reason.STACKING:
        facts["other"] = refusal.facts["names"][language]
    if refusal.reason is Reason.CONDITION:
        asked = refusal.facts
        facts["why"] = why(asked["because"], _FIELDS, language, currency=asked["currency"], tiers=asked["tiers"])
    return SENTENCES[refusal.reason][language].format(**facts)


def why(
    because: Sequence[Decided],
    fields: Mapping[str, Mapping[str, str]],
    language: str,
    *,
    currency: str | None = None,
    tiers: Mapping[str, Mapping[str, str]],
) -> str:
    """What the rules that decided asked, in words; `fields` names them by language, amounts are in `currency`.

    tiers: what they are called, by code and language; one that is in the plan no more is called by its code.
    """
    called = {code: names[language] for code, names in tiers.items()}
    parts = [_part(one, fields[one.field][language], currency, called, language) for one in because[:_SHOWN_MAX]]
    return _JOINED[language].join(parts)


def _part(one: Decided, field: str, currency: str | None, tiers: Mapping[str, str], language: str) -> str:
    """What one rule of the condition asked, or how much is missing to it where that is a number."""
    spell: Callable[[Any], str] = str
    if one.field.endswith("_minor") and currency is not None:
        spell = _amount_in(currency)
    if one.field == "tier":
        spell = _tier_of(tiers)
    join = "" if language == "zh-CN" else " "
    is_turned_around = one.outcome  # It holds and should not: a group around it is negated.
    if is_turned_around or one.operator not in _IS:
        return f"{field}{join}{_OTHERWISE[language]}"
    if one.operator == ">=" and _is_number(one.value) and _is_number(one.actual):
        return f"{field}{join}{_MISSING[language].format(missing=spell(one.value - one.actual))}"
    values = one.value if isinstance(one.value, list | tuple) else [one.value]
    asked = "、".join(map(spell, values)) if language == "zh-CN" else ", ".join(map(spell, values))
    return f"{field}{join}{_IS[one.operator][language].format(value=asked)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _tier_of(names: Mapping[str, str]) -> Callable[[Any], str]:
    return lambda code: names.get(code, str(code))


def _amount_in(currency: str) -> Callable[[Any], str]:
    unit = minor_units(currency)
    digits = len(str(unit)) - 1

    def spell(minor: Any) -> str:
        if not _is_number(minor):
            return str(minor)
        whole, rest = divmod(abs(minor), unit)
        sign = "-" if minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}} {currency}" if digits else f"{sign}{whole} {currency}"

    return spell


def _shown(value: Any, zone: str) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return value
