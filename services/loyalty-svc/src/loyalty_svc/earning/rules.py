"""The heart of rules: a version of an earning rule or of the programme, ready to judge."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from loyalty_svc.accounts.types import ZONE, Expiry
from loyalty_svc.discounts.share import FIELD
from loyalty_svc.earning.contradictions import contradictions
from loyalty_svc.earning.documents import (
    Fixed,
    LimitDocument,
    Multiplier,
    PerLine,
    ProgrammeDocument,
    Rate,
    RuleDocument,
)
from loyalty_svc.earning.events import CATALOGUES, LINES, ORDER_PAID
from loyalty_svc.earning.formula import ONE, ForEvent, ForLines, Formula, OnTop, PerMoney, Ratio
from loyalty_svc.earning.limits import POINTS_MAX, Cooldown, Limit, scope_of
from loyalty_svc.facts import JUDGES
from moat.kit.documents.kind import DocumentKind, Doubt, Published, Ref, valid_at
from moat.kit.money import minor_units
from moat.kit.problems import FieldError
from moat.rules import Condition, parse
from moat.rules.tree import Comparison, Group, LineMatch, Node

PROGRAMME: Final = "programme"


class Terms(NamedTuple):
    """How an award is booked. credits: account types, None for those of the programme."""

    credits: tuple[str, ...] | None = None
    pending: timedelta | None = None
    expires: Expiry | None = None


class Match(NamedTuple):
    """A rule that fits an event. wanted: what it gives before limits, None while it waits for the rule below it."""

    rule: "Rule"
    wanted: int | None
    matched: str
    factor: Ratio


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One version of an earning rule. `always` names all its conditions when it cannot match without each of them.

    wrong: what forbids to publish it; versions from before that was looked at judge on.
    """

    ref: Ref
    name: str
    on: str
    condition: Condition
    formula: Formula
    by_tier: Mapping[str, Ratio]
    terms: Terms
    limits: tuple[Limit, ...]
    cooldown: Cooldown | None
    begins_at: datetime | None
    ends_at: datetime | None
    priority: int
    group: str | None
    always: str | None
    reads_lines: bool
    reads_tier: bool
    reads_discounts: bool
    wrong: tuple[FieldError, ...] = ()

    def match(self, row: Mapping[str, Any], unit: int, at: datetime) -> Match | None:
        """What it says to an event that happened at `at`; None when it does not fit or gives nothing.

        unit: minor units in one unit of the order's currency.
        """
        if (self.begins_at and at < self.begins_at) or (self.ends_at and at >= self.ends_at):
            return None
        if not self.condition.test(row, at):
            return None
        factor = self.by_tier.get(row["tier"], ONE) if self.by_tier else ONE
        wanted = None
        if not isinstance(self.formula, OnTop):
            wanted = min(self.formula.give(row, unit, factor, at), POINTS_MAX)
            if wanted <= 0:
                return None
        return Match(self, wanted, self._matched(row, at) if self.always is None else self.always, factor)

    def _matched(self, row: Mapping[str, Any], at: datetime) -> str:
        return " ".join(decided.pointer for decided in self.condition.explain(row, now=at).because)


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """One version of the programme. units: minor units in one of each currency that earns. wrong: as a rule has it."""

    version: int
    credits: tuple[str, ...]
    units: Mapping[str, int]
    zone: ZoneInfo
    limits: tuple[Limit, ...]
    wrong: tuple[FieldError, ...] = ()


Programmes = Sequence[Published[Programme]]
ZoneAt = Callable[[datetime], ZoneInfo]
"""Where the programme counted its days at an instant."""


def zone_of(programme: Published[Programme] | None) -> ZoneInfo:
    """Where days begin and end; Asia/Shanghai while no programme says it."""
    return programme.value.zone if programme else ZONE


def zone_at(programmes: Programmes, at: datetime) -> ZoneInfo:
    """Where days began and ended for what happened at an instant, by all versions of the programme."""
    return zone_of(valid_at(programmes, at))


def compile_rule(model: RuleDocument, ref: Ref) -> Rule:
    """The rule that a document describes. Raises RuleError naming what is wrong with a condition."""
    condition = parse(model.condition, CATALOGUES[model.on], pointer="/condition")
    pointers = _pointers_of_all(condition.tree)
    fields = set(_fields(condition.tree))
    scope = scope_of(ref.code)
    limits = [_limit(one, scope, "") for one in model.limits]
    if model.budget is not None:
        limits.append(Limit(scope, False, "ever", True, model.budget, "cap", "budget"))
    pending = timedelta(days=model.pending_days) if model.pending_days else None
    return Rule(
        ref=ref,
        name=str(ref),
        on=model.on,
        condition=condition,
        formula=_formula(model.award),
        by_tier={tier: _ratio(factor) for tier, factor in model.by_tier.items()},
        terms=Terms(None if model.credits is None else _once(model.credits), pending, model.expires),
        limits=tuple(limits),
        cooldown=Cooldown(ref.code, timedelta(hours=model.cooldown_hours)) if model.cooldown_hours else None,
        begins_at=model.begins_at,
        ends_at=model.ends_at,
        priority=model.priority,
        group=model.group,
        always=None if pointers is None else " ".join(pointers),
        reads_lines="lines" in fields or isinstance(model.award, PerLine),
        reads_tier="tier" in fields or bool(model.by_tier),
        reads_discounts=FIELD in fields,
        wrong=contradictions(model),
    )


def compile_programme(model: ProgrammeDocument, ref: Ref) -> Programme:
    """The programme that a document describes."""
    return Programme(
        ref.version,
        _once(model.credits),
        {currency: minor_units(currency) for currency in model.currencies},
        ZoneInfo(model.zone),
        tuple(_limit(one, PROGRAMME, "programme/") for one in model.limits),
        contradictions(model),
    )


def _once(credits: Sequence[str]) -> tuple[str, ...]:
    """Each account type once: versions that name one twice were published before that was refused."""
    return tuple(dict.fromkeys(credits))


def _formula(award: Rate | Fixed | PerLine | Multiplier) -> Formula:
    match award:
        case Rate():
            return PerMoney(award.points, award.each, award.rounding)
        case Fixed():
            return ForEvent(award.points)
        case PerLine():
            fits = parse(award.lines, LINES, pointer="/award/lines")
            return ForLines(award.points, award.each, award.per == "item", fits, award.rounding)
        case Multiplier():
            return OnTop(award.of, _ratio(award.times - 1), award.rounding)


def _limit(limit: LimitDocument, scope: str, prefix: str) -> Limit:
    name = f"{prefix}{limit.of}/{limit.per}/{limit.what}"
    is_points = limit.what == "points"
    return Limit(scope, limit.of == "customer", limit.per, is_points, limit.at_most, limit.way, name)


def _ratio(factor: Decimal) -> Ratio:
    return Ratio(*factor.as_integer_ratio())


def _pointers_of_all(node: Node) -> list[str] | None:
    """The pointers of a condition that holds only if each part of it does; None for any other."""
    if isinstance(node, Comparison | LineMatch):
        return [node.pointer]
    if node.negated or (node.combinator == "or" and len(node.rules) > 1):
        return None
    parts = [_pointers_of_all(part) for part in node.rules]
    return None if None in parts else [pointer for part in parts for pointer in part or ()]


def _fields(node: Node) -> Iterator[str]:
    if isinstance(node, Group):
        for part in node.rules:
            yield from _fields(part)
    else:
        yield node.name


UNLIMITED: Final = Doubt(
    "earning.unlimited",
    {
        "zh-CN": "此规则对没有金额的事件发放积分，却没有任何上限、冷却时间或预算：同一客户可以无限次获得积分。",
        "en": "It gives points for an event without an amount and has no limit, cooldown or budget: one customer can "
        "earn any number of times.",
    },
)


def doubts_about(rule: Rule) -> Sequence[Doubt]:
    """What should be asked before a rule is published, as far as the rule alone shows it."""
    is_open = not rule.limits and rule.cooldown is None and rule.on not in ("customer.created", ORDER_PAID)
    return [UNLIMITED] if is_open else []


RULES: Final = DocumentKind("earning_rule", RuleDocument, compile_rule, doubts=doubts_about, read_with=JUDGES)
PROGRAMMES: Final = DocumentKind("programme", ProgrammeDocument, compile_programme, single=PROGRAMME, read_with=JUDGES)
