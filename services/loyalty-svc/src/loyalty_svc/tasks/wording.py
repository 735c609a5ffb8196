"""The heart of what a member reads about a step: what is missing, in words."""

from typing import Final

from loyalty_svc.tasks.plans import Amount, Language, Step, Streak, Times
from loyalty_svc.tasks.progress import StepState
from moat.kit.money import minor_units

_WORDS: Final[dict[str, dict[Language, str]]] = {
    "reached": {"zh-CN": "已完成", "en": "Done"},
    "times": {"zh-CN": "还需 {n} 次", "en": "{n} more to go"},
    "times_within": {"zh-CN": "{days} 天内还需 {n} 次", "en": "{n} more to go within {days} {day}"},
    "streak": {"zh-CN": "还需连续 {n} 天", "en": "{n} more {day} running"},
    "amount": {"zh-CN": "还差 {n} {currency}", "en": "{n} {currency} to go"},
    "amount_within": {"zh-CN": "{days} 天内还差 {n} {currency}", "en": "{n} {currency} to go within {days} {day}"},
}


def missing(step: Step, state: StepState, language: Language) -> str:
    """What is missing to a step: `2 more to go within 30 days`."""
    if state.reached_at is not None:
        return _WORDS["reached"][language]
    left = state.needed - state.done
    match step.target:
        case Times(within_days=None):
            return _WORDS["times"][language].format(n=left)
        case Times(within_days=days):
            return _WORDS["times_within"][language].format(n=left, days=days, day=_day(days))
        case Streak():
            return _WORDS["streak"][language].format(n=left, day=_day(left))
        case Amount(currency=currency, within_days=days):
            words = _WORDS["amount" if days is None else "amount_within"][language]
            return words.format(n=_major(left, currency), currency=currency, days=days, day=_day(days))


def _day(days: int | None) -> str:
    return "day" if days == 1 else "days"


def _major(minor: int, currency: str) -> str:
    unit = minor_units(currency)
    whole, rest = divmod(minor, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}" if unit > 1 else str(whole)
