"""The heart of wording: the name of a limit, or of what holds an award, as a person says it, in both languages."""

from typing import Final

from loyalty_svc.earning.judging import WITH_BASE

_PER: Final = {
    "hour": ("每小时", "an hour"),
    "day": ("每天", "a day"),
    "week": ("每周", "a week"),
    "month": ("每月", "a month"),
    "ever": ("累计", "in all"),
}
_OF: Final = {"customer": ("每位顾客", "for each customer"), "everyone": ("全部顾客", "for everyone together")}
_WHAT: Final = {"points": ("积分", "points"), "awards": ("次数", "awards")}
_WHOLE: Final = {
    "budget": ("规则的预算已用完", "The budget of the rule is used up"),
    "cooldown": ("距离上次获得奖励的时间太短", "Too soon after the last award"),
}

_WITH_BASE: Final = (
    "与其所叠加的规则 {rule} 的奖励一并审核",
    "Decided together with the award of the rule {rule} that it comes on top of",
)


def in_words(cut_by: str, language: str) -> str:
    """What cut an award, `programme/customer/day/points` say, in zh-CN or en."""
    place = 0 if language == "zh-CN" else 1
    if cut_by in _WHOLE:
        return _WHOLE[cut_by][place]
    if cut_by.startswith(WITH_BASE):
        return _WITH_BASE[place].format(rule=cut_by.removeprefix(WITH_BASE))
    *whole, of, per, what = cut_by.split("/")
    names = _OF[of][place], _PER[per][place], _WHAT[what][place]
    if language == "zh-CN":
        return f"{'整个计划' if whole else '此规则'}{names[0]}{names[1]}的{names[2]}上限"
    return f"The limit of {'the whole programme' if whole else 'the rule'}: {names[2]} {names[1]}, {names[0]}"
