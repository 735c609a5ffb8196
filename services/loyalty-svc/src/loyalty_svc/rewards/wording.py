"""The heart of explanations: why a reward is not to be had, in the languages of the house."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from loyalty_svc.coupon_uses.wording import why
from loyalty_svc.rewards.reward import MEMBER, Reason, Refusal

SENTENCES: Final[Mapping[Reason, Mapping[str, str]]] = {
    Reason.NOT_BEGUN: {"zh-CN": "{starts_at} 开始兑换", "en": "It can be had from {starts_at}"},
    Reason.OVER: {"zh-CN": "已于 {ends_at} 结束", "en": "It ended on {ends_at}"},
    Reason.SOLD_OUT: {"zh-CN": "库存不足，剩余 {left} 件", "en": "Not enough are left: {left}"},
    Reason.CUSTOMER_LIMIT: {"zh-CN": "每位会员限兑 {times} 件", "en": "Each member may have {times}"},
    Reason.CONDITION: {"zh-CN": "不符合兑换条件：{why}", "en": "It is not for everybody: {why}"},
    Reason.POINTS: {"zh-CN": "还差 {missing} {unit}", "en": "{missing} more {unit} are needed"},
}
ONE_COUPON: Final = {"zh-CN": "优惠券每次只能兑换一张", "en": "Coupons are redeemed one at a time"}
_WITHIN: Final = {
    "zh-CN": "每位会员 {days} 天内限兑 {times} 件",
    "en": "Each member may have {times} within {days} {day}",
}
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "tier": {"zh-CN": "会员等级", "en": "the tier"},
    "points": {"zh-CN": "可用积分", "en": "the points"},
    "growth": {"zh-CN": "成长值", "en": "the growth"},
    "discount_share": {"zh-CN": "用券订单占比（%）", "en": "the percent of orders with a coupon"},
    "enrolled_at": {"zh-CN": "入会时间", "en": "the day of joining"},
    "days_a_member": {"zh-CN": "入会天数", "en": "the days of membership"},
}


Units = Mapping[str, Mapping[str, str]]
"""What account types are counted in, by type and language."""


def sentence(refusal: Refusal, language: str, *, units: Units, zone: str = MEMBER.zone) -> str:
    """One reason as a sentence; instants in `zone`."""
    facts = {name: _shown(value, zone) for name, value in refusal.facts.items()}
    pattern = SENTENCES[refusal.reason][language]
    if refusal.reason is Reason.CUSTOMER_LIMIT and refusal.facts["days"] is not None:
        pattern = _WITHIN[language]
        facts["day"] = "day" if refusal.facts["days"] == 1 else "days"
    if refusal.reason is Reason.CONDITION:
        facts["why"] = why(refusal.facts["because"], _FIELDS, language, tiers=refusal.facts["tiers"])
    if refusal.reason is Reason.POINTS:
        facts["unit"] = units[refusal.facts["account_type"]][language]
    return pattern.format(**facts)


def told(refusals: Iterable[Refusal], units: Units) -> list[dict[str, Any]]:
    """The reasons as a problem carries them: a code, and a sentence in each language."""
    return [
        {"code": one.reason.value, "texts": {language: sentence(one, language, units=units) for language in _WITHIN}}
        for one in refusals
    ]


def _shown(value: Any, zone: str) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return value
