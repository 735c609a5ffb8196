"""The heart of words at the till: why points do not pay, and what is missing to the next tier; zh-CN and en."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from loyalty_svc.checkout.payment import Reason, Refusal
from loyalty_svc.tiers.spans import ZONE
from moat.kit.money import minor_units

LANGUAGES: Final = ("zh-CN", "en")
_SENTENCES: Final[Mapping[Reason, Mapping[str, str]]] = {
    Reason.NOT_ACCEPTED: {
        "zh-CN": "这种积分不能用于支付 {currency} 订单",
        "en": "These points do not pay for orders in {currency}",
    },
    Reason.TOO_FEW: {
        "zh-CN": "至少使用 {least} {unit}，现有 {available}",
        "en": "It takes {least} {unit} at least, and there are {available}",
    },
    Reason.TOO_FEW_ASKED: {
        "zh-CN": "至少使用 {least} {unit}，请求使用 {requested}",
        "en": "It takes {least} {unit} at least, and {requested} were asked for",
    },
    Reason.BASKET_TOO_SMALL: {
        "zh-CN": "商品金额太小：至少要抵扣 {worth}",
        "en": "The goods cost too little: {unit} take off {worth} at least",
    },
    Reason.TOO_MANY: {
        "zh-CN": "本单最多可用 {most} {unit}，请求使用 {requested}",
        "en": "This basket takes {most} {unit} at most, and {requested} were asked for",
    },
}
_NEXT: Final = {
    "zh-CN": "再获得 {missing} {unit}即可升级为{name}",
    "en": "{missing} more {unit} to {name}",
}
_REACHED: Final = {"zh-CN": "本单完成后即可升级为{name}", "en": "This order reaches {name}"}
_WAITS: Final = {
    "zh-CN": "本单完成后即达到{name}，将于 {day} 升级",
    "en": "With this order {name} is reached; it begins on {day}",
}


def sentence(refusal: Refusal, language: str, *, currency: str, units: Mapping[str, str]) -> str:
    """One reason as a sentence; units: what the points are counted in, by language, or nothing where nobody knows."""
    facts = dict(refusal.facts) | {"currency": currency, "unit": units.get(language)}
    if "worth_minor" in facts:
        facts["worth"] = _amount(facts["worth_minor"], currency)
    return _SENTENCES[refusal.reason][language].format(**facts)


def sentences(refusal: Refusal, *, currency: str, units: Mapping[str, str]) -> dict[str, str]:
    """The same in both languages."""
    return {language: sentence(refusal, language, currency=currency, units=units) for language in LANGUAGES}


def next_tier(name: str, missing_after: int, units: Mapping[str, str], rises_at: datetime | None, language: str) -> str:
    """What is missing to the next tier once the basket has been paid. rises_at: None when it begins at once."""
    if missing_after > 0:
        return _NEXT[language].format(name=name, missing=missing_after, unit=units[language])
    if rises_at is None:
        return _REACHED[language].format(name=name)
    return _WAITS[language].format(name=name, day=rises_at.astimezone(ZONE).date())


def _amount(minor: int, currency: str) -> str:
    unit = minor_units(currency)
    digits = len(str(unit)) - 1
    whole, rest = divmod(minor, unit)
    return f"{whole}.{rest:0{digits}} {currency}" if digits else f"{whole} {currency}"
