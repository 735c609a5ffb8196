"""The heart of rules: what a rule says, and what it makes of a signal about a customer. Pure.

A rule is a versioned document that business people change:

    {"signal": "risk",
     "open_on": ["moat.risk.raised.v1", …], "condition": {…}, "ticket": {"kind", "priority", "subject", "body"},
     "solve_on": ["moat.risk.cleared.v1"], "solve_reason": "risk.cleared"}

`signal` names the stream of events that overtake each other; `condition` is in the language of `moat.rules` over FIELDS
of that signal; texts are by language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self

from moat import rules
from moat.rules import Catalogue, Choice, Condition, Number, Text

RISK: Final = "risk"
FIELDS: Final[Mapping[str, Catalogue]] = {
    RISK: Catalogue(
        {
            "score": Number(),
            "band": Choice(("low", "medium", "high")),
            "value_minor": Number(whole=True),
            "value_currency": Text(),
        }
    )
}
"""What the conditions of each signal may speak of."""


class Decision(Enum):
    """What a rule makes of a signal."""

    OPEN = "open"
    SOLVE = "solve"


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule, parsed."""

    code: str
    version: int
    signal: str
    open_on: frozenset[str]
    condition: Condition
    kind: str
    priority: str
    subject: Mapping[str, str]
    body: Mapping[str, str]
    solve_on: frozenset[str]
    solve_reason: str

    @classmethod
    def of(cls, code: str, version: int, document: Mapping[str, Any]) -> Self:
        """Read a document. Raises RuleError, naming the place, or KeyError for a missing part."""
        return cls(
            code=code,
            version=version,
            signal=document["signal"],
            open_on=frozenset(document["open_on"]),
            condition=rules.parse(document["condition"], FIELDS[document["signal"]], pointer="/condition"),
            kind=document["ticket"]["kind"],
            priority=document["ticket"]["priority"],
            subject=document["ticket"]["subject"],
            body=document["ticket"]["body"],
            solve_on=frozenset(document["solve_on"]),
            solve_reason=document["solve_reason"],
        )


def decide(rule: Rule, event_type: str, facts: Mapping[str, Any], *, is_open: bool, now: datetime) -> Decision | None:
    """What to do about a customer, of whom a ticket of this kind is open or not.

    `facts` are the fields of the signal; `now` is what relative dates count from.
    """
    if event_type in rule.solve_on:
        return Decision.SOLVE if is_open else None
    if event_type in rule.open_on and not is_open and rule.condition.matches(facts, now=now):
        return Decision.OPEN
    return None


def text_for(texts: Mapping[str, str], locale: str | None) -> str:
    """The text in the customer's language: Chinese unless his locale says otherwise, else English, else any."""
    wanted = "zh-CN" if locale is None or locale.lower().startswith("zh") else "en"
    return texts.get(wanted) or next(iter(texts.values()))
