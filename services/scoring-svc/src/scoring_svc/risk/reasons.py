"""Why a score is what it is, in words that staff can act on: pure.

Weights are points of the score and add up to it: what the silence alone would mean for a customer of whom nothing
else is known, and what his own rhythm adds to that or takes away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from scoring_svc.silence.rhythm import Prior, Rhythm, score, silent_days, usual_days

Language = Literal["zh-CN", "en"]

_TEXTS: Final[dict[str, dict[Language, Callable[[int], str]]]] = {
    "silence.days": {
        "zh-CN": lambda days: f"已有 {days} 天没有购买",
        "en": lambda days: f"No purchase for {days} day{'' if days == 1 else 's'}",
    },
    "silence.rhythm": {
        "zh-CN": lambda days: f"平时大约每 {days} 天购买一次",
        "en": lambda days: f"Usually buys about every {days} day{'' if days == 1 else 's'}",
    },
    "silence.single_day": {
        "zh-CN": lambda days: f"只在一天购买过，尚无自己的节奏，按一般 {days} 天估计",
        "en": lambda days: f"Has bought on one day only; without a rhythm yet, {days} days are taken as usual",
    },
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code, its weight in points of the score, and the days its text speaks of."""

    code: str
    weight: float
    days: int

    def text(self, language: Language) -> str:
        return _TEXTS[self.code][language](self.days)


def reasons(rhythm: Rhythm, at: datetime, prior: Prior) -> Sequence[Reason]:
    """The reasons of the score at `at`, the weightiest first."""
    whole = score(rhythm, at, prior)
    of_a_stranger = score(Rhythm(1, 0, rhythm.last_paid_at), at, prior)
    usual = max(1, round(usual_days(rhythm, prior)))
    own = "silence.rhythm" if rhythm.purchase_days > 1 else "silence.single_day"
    found = [
        Reason("silence.days", of_a_stranger, int(silent_days(rhythm, at))),
        Reason(own, whole - of_a_stranger, usual),
    ]
    return sorted(found, key=lambda reason: -abs(reason.weight))
