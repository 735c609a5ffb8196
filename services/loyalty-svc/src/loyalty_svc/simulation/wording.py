"""The heart of wording: what came of a simulation, why it failed and what it took as given, in zh-CN and en."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from moat.kit.money import minor_units

Texts = Mapping[str, str]

_POINTS: Final[Texts] = {
    "zh-CN": "过去 {days} 天：若采用该草案，{winners} 位客户获得更多，{losers} 位更少，{unchanged} 位不变；"
    "合计从 {published} 变为 {draft}（{difference}）。{cost}",
    "en": "Over the last {days} days {winners} customers would have got more with the draft, {losers} less, "
    "{unchanged} the same; in all {draft} instead of {published} ({difference}).{cost}",
}
_COMPLETIONS: Final[Texts] = {
    "zh-CN": "过去 {days} 天：若采用该草案，任务会被完成 {draft} 次，而非 {published} 次（{difference}）；"
    "{winners} 位客户完成得更多，{losers} 位更少。{cost}",
    "en": "Over the last {days} days the task would have been completed {draft} times instead of {published} "
    "({difference}); {winners} customers more often, {losers} less.{cost}",
}
_TIERS: Final[Texts] = {
    "zh-CN": "若采用该草案，今天 {winners} 位会员升级，{losers} 位降级，{unchanged} 位不变。"
    "权益由发放它的服务计价，此处没有其成本。",
    "en": "With the draft {winners} members would rise today, {losers} fall, and {unchanged} stay. What benefits cost "
    "is known to the services that grant them, not here.",
}
_COST: Final[Texts] = {"zh-CN": "成本变化：{costs}。", "en": " The cost changes by {costs}."}
_FAILURES: Final[Mapping[str, Texts]] = {
    "interrupted": {
        "zh-CN": "运行多次被中断，已放弃。",
        "en": "It was interrupted several times and given up.",
    },
    "simulations.too-much": {
        "zh-CN": "这段时间的事实过多，无法一次模拟；请缩短天数。",
        "en": "More happened in these days than can be simulated at once; take fewer.",
    },
}
_FAILED: Final[Texts] = {"zh-CN": "模拟失败。", "en": "It failed."}
_LOG: Final[Sequence[Texts]] = (
    {
        "zh-CN": "依据事件日志中这段时间内发生的订单、退款和其他事实；退款只计入同期订单。",
        "en": "Judged are the orders, refunds and other facts of these days, as the event log has them; refunds of "
        "earlier orders change nothing.",
    },
    {
        "zh-CN": "已发布方案按事件发生时的版本判定，迟到的事实同样如此；草案视为一直有效。",
        "en": "What is published judges by the version valid when something happened, however late it was told; the "
        "draft as if it had always been valid.",
    },
    {
        "zh-CN": "已合并的客户按现在的客户计算；等级分组为今天的等级。",
        "en": "Customers who were merged count as one; groups by tier are by the tiers of today.",
    },
)
_NOTES: Final[Mapping[str, Sequence[Texts]]] = {
    "earning_rule": (
        *_LOG,
        {
            "zh-CN": "上限、预算和冷却时间从这段时间开始时的零算起；待审核的奖励不计入，单独列出。",
            "en": "Limits, budgets and cooldowns begin at zero with these days; what would be held for a person to "
            "decide is not counted, but told apart.",
        },
        {
            "zh-CN": "终身累计的等级方案下，等级条件取模拟中的等级；其他方案及手工授予的等级取今天的等级。",
            "en": "Conditions over tiers see the tier that the run itself leads to where the plan counts a lifetime; "
            "under other plans, and where a tier was granted by hand, that of today. Other facts of a member are those "
            "of today.",
        },
        {
            "zh-CN": "积分成本为账户类型的单位成本，向上取整，不扣除预计失效的积分。",
            "en": "Points cost what their account type says, rounded up; nothing is taken off for points that expire.",
        },
    ),
    "task": (
        *_LOG,
        {
            "zh-CN": "只看这段时间内的进度；优惠券的成本未知，只计张数。",
            "en": "Progress begins with these days. What coupons cost is not known, so they are only counted.",
        },
    ),
    "tier_plan": (
        {
            "zh-CN": "按每位会员的全部历史以两套方案评定到今天；手工授予的等级仍然有效。",
            "en": "Every member's whole history is walked by both plans until today; what was granted by hand stays.",
        },
        {
            "zh-CN": "天数只限定按周列出的升降；比较的是草案中的等级高低。",
            "en": "The days bound only the weeks in which members rose and fell. Compared are the places of the "
            "draft's tiers.",
        },
    ),
}


def summary(result: Mapping[str, Any], days: int, language: str) -> str:
    """What came of it, in a sentence or two."""
    texts = {"points": _POINTS, "completions": _COMPLETIONS, "tiers": _TIERS}[result["measure"]]
    numbers = {name: _number(result[name]) for name in ("winners", "losers", "unchanged")}
    if result["measure"] == "tiers":
        return texts[language].format(**numbers)
    published, draft = result["published"], result["draft"]
    return texts[language].format(
        days=days,
        published=_number(published),
        draft=_number(draft),
        difference=_signed(draft - published),
        cost=_costs(result["accounts"], language),
        **numbers,
    )


def notes(kind: str, language: str) -> list[str]:
    """What a simulation of this kind took as given."""
    return [texts[language] for texts in _NOTES[kind]]


def failure(code: str, language: str) -> str:
    """Why it failed."""
    return _FAILURES.get(code, _FAILED)[language]


def _costs(accounts: Sequence[Mapping[str, Any]], language: str) -> str:
    changes: dict[str, int] = {}
    for one in accounts:
        if one["currency"] is not None:
            change = one["draft_cost_minor"] - one["published_cost_minor"]
            changes[one["currency"]] = changes.get(one["currency"], 0) + change
    if not changes:
        return ""
    costs = ", ".join(_money(minor, currency) for currency, minor in sorted(changes.items()))
    return _COST[language].format(costs=costs)


def _money(minor: int, currency: str) -> str:
    units = minor_units(currency)
    whole, rest = divmod(abs(minor), units)
    digits = len(str(units)) - 1
    amount = f"{whole:,}.{rest:0{digits}d}" if digits else f"{whole:,}"
    return f"{'-' if minor < 0 else '+' if minor else ''}{amount} {currency}"


def _number(number: int) -> str:
    return f"{number:,}"


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "±0"
