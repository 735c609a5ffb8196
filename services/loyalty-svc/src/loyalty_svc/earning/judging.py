"""The heart of judging: which rules speak to an event, and what each of them gives within its limits.

An event is judged by the versions that were valid when it happened, however late it arrives. Rules of a group exclude
each other: the one with the highest priority that fits awards, by code among equals. What is on top of another rule is
decided after it, and waits with it where that is held: a person decides of both at once.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.formula import ForLines, OnTop
from loyalty_svc.earning.limits import POINTS_MAX, Counter, Counters, Fit, Key, Limit, count, fit
from loyalty_svc.earning.orders import Award
from loyalty_svc.earning.returns import LineAward
from loyalty_svc.earning.rules import Match, Programme, Rule
from moat.kit.documents.kind import Published, valid_at

WITH_BASE: Final = "base/"
"""What holds an award that is on top of a held one: this and the code of the rule below, as a limit has its name."""


class Noted(NamedTuple):
    """An award worth a note: a limit made it less, refused it, or holds it for a person to decide."""

    rule: Rule
    wanted: int
    points: int
    matched: str
    cut_by: str | None
    is_held: bool


class Decided(NamedTuple):
    """What an event earns. counted: the counters that each award was counted in, with its points."""

    awards: tuple[Award, ...]
    noted: tuple[Noted, ...] = ()
    counted: tuple[tuple[Counter, int], ...] = ()


NOTHING = Decided(())
Limited = tuple[Match, tuple[Key, ...]]
"""A rule that fits, with the counters that limit it: of each limit, then of its cooldown."""


@dataclass(frozen=True, eq=False)
class Judge:
    """The programme and the rules that were valid at an instant; rules by event type, the first of them first."""

    programme: Programme
    rules: Mapping[str, tuple[Rule, ...]]

    def matches(self, on: str, row: Mapping[str, Any], at: datetime) -> list[Match]:
        """The rules that fit an event; none for an order in a currency that the programme does not list."""
        unit = self.programme.units.get(row["currency"]) if on == ORDER_PAID else 1
        if unit is None:
            return []
        found: list[Match] = []
        taken: set[str | None] = set()
        for rule in self.rules.get(on, ()):
            if rule.group in taken:
                continue
            match = rule.match(row, unit, at)
            if match is not None:
                found.append(match)
                if rule.group is not None:
                    taken.add(rule.group)
        return found

    def limited(self, matches: Sequence[Match], customer_id: UUID, at: datetime) -> list[Limited]:
        """The rules that fit with the counters that have to be known before `award`."""
        return [(match, self.keys_of(match.rule, customer_id, at)) for match in matches]

    def award(self, matches: Sequence[Limited], at: datetime, counters: Counters) -> Decided:
        """What the rules that fit give within their limits; counts it in `counters`."""
        awards: list[Award] = []
        noted: list[Noted] = []
        counted: list[tuple[Counter, int]] = []
        given: dict[str, int] = {}
        held: set[str] = set()
        # What is on top of another rule comes after it.
        for match, keys in sorted(matches, key=_is_on_top_within):
            rule = match.rule
            wanted = _wanted(match, given)
            if wanted <= 0:
                continue
            points, cut_by, is_held = self._within(rule, wanted, keys, at, counters, counted)
            if held and points > 0 and isinstance(rule.formula, OnTop) and rule.formula.of in held:
                cut_by, is_held = WITH_BASE + rule.formula.of, True
            if cut_by is not None:
                noted.append(Noted(rule, wanted, points, match.matched, cut_by, is_held))
            given[rule.ref.code] = points
            if is_held:
                held.add(rule.ref.code)
            elif points > 0:
                awards.append(Award(rule.ref.code, rule.name, points, match.matched, rule.terms))
        return Decided(tuple(awards), tuple(noted), tuple(counted))

    def award_freely(self, matches: Sequence[Match]) -> tuple[Award, ...]:
        """The same where no rule has limits."""
        given: dict[str, int] = {}
        awards = []
        for match in matches if len(matches) < 2 else sorted(matches, key=_is_on_top):
            points = _wanted(match, given)
            if points > 0:
                rule = match.rule
                given[rule.ref.code] = points
                awards.append(Award(rule.ref.code, rule.name, points, match.matched, rule.terms))
        return tuple(awards)

    def by_line(self, decided: Decided, row: Mapping[str, Any], at: datetime) -> tuple[LineAward, ...]:
        """Which lines of an order earned what, for awards of rules per line and for those on top of them.

        What is held is among them, with no points yet.
        """
        own = self._of_orders
        points = {note.rule.ref.code: 0 for note in decided.noted if note.is_held}
        points |= {award.code: award.points for award in decided.awards}
        found: list[LineAward] = []
        for code, given in points.items():
            formula = own[code].formula
            while isinstance(formula, OnTop):
                formula = own[formula.of].formula
            if isinstance(formula, ForLines):
                places = [n for n, line in enumerate(row["lines"] or ()) if formula.fits.test(line, at)]
                found.append(LineAward(code, own[code].terms.credits, given, formula.by_item, tuple(places)))
        return tuple(found)

    @cached_property
    def _of_orders(self) -> Mapping[str, Rule]:
        return {rule.ref.code: rule for rule in self.rules.get(ORDER_PAID, ())}

    @cached_property
    def has_line_rules(self) -> bool:
        """Whether a rule gives something for lines of an order."""
        return any(isinstance(rule.formula, ForLines) for rule in self.rules.get(ORDER_PAID, ()))

    @cached_property
    def reads_lines(self) -> bool:
        """Whether a rule asks about lines."""
        return any(rule.reads_lines for rules in self.rules.values() for rule in rules)

    @cached_property
    def reads_tier(self) -> bool:
        """Whether a rule asks about the tier."""
        return any(rule.reads_tier for rules in self.rules.values() for rule in rules)

    @cached_property
    def reads_discounts(self) -> bool:
        """Whether a rule asks how much a customer depends on discounts."""
        return any(rule.reads_discounts for rules in self.rules.values() for rule in rules)

    @cached_property
    def has_limits(self) -> bool:
        """Whether anything limits what some rule gives."""
        every = [rule for rules in self.rules.values() for rule in rules]
        return bool(self.programme.limits) or any(rule.limits or rule.cooldown for rule in every)

    def _limits(self, rule: Rule) -> tuple[Limit, ...]:
        return rule.limits + self.programme.limits

    def keys_of(self, rule: Rule, customer_id: UUID, at: datetime) -> tuple[Key, ...]:
        """The counters of one rule: of each limit, then of its cooldown."""
        if not rule.limits and not self.programme.limits and rule.cooldown is None:
            return ()
        keys = [limit.key(customer_id, at, self.programme.zone) for limit in self._limits(rule)]
        if rule.cooldown is not None:
            keys.append(rule.cooldown.key(customer_id))
        return tuple(keys)

    def _within(
        self,
        rule: Rule,
        wanted: int,
        keys: Sequence[Key],
        at: datetime,
        counters: Counters,
        counted: list[tuple[Counter, int]],
    ) -> Fit:
        if not keys:
            return Fit(wanted, None, False)
        own = [counters[key] for key in keys]
        if rule.cooldown is not None and rule.cooldown.refuses(own[-1], at):
            return Fit(0, "cooldown", False)
        fits = fit(wanted, list(zip(self._limits(rule), own, strict=False)))
        if fits.points > 0:
            # Two limits may look at one counter.
            own = list({id(counter): counter for counter in own}.values())
            count(own, fits.points, at)
            counted += [(counter, fits.points) for counter in own]
        return fits


def _is_on_top(match: Match) -> bool:
    return match.wanted is None


def _is_on_top_within(limited: Limited) -> bool:
    return _is_on_top(limited[0])


def _wanted(match: Match, given: Mapping[str, int]) -> int:
    if match.wanted is not None:
        return match.wanted
    formula = match.rule.formula
    assert isinstance(formula, OnTop)
    return min(formula.give(given.get(formula.of, 0), match.factor), POINTS_MAX)


@dataclass(frozen=True, eq=False)
class Book:
    """Every version of programme and rules; knows who judges an instant. `begins` are all instants that change it."""

    programmes: Sequence[Published[Programme]]
    rules: Sequence[Sequence[Published[Rule]]]
    begins: list[datetime]
    judges: dict[int, Judge | None] = field(default_factory=dict)
    versions: dict[int, Programme] = field(default_factory=dict)

    def at(self, at: datetime) -> Judge | None:
        """Who judges what happened at `at`; None when no programme was valid."""
        place = bisect_right(self.begins, at) if self.begins else 0
        if place not in self.judges:
            self.judges[place] = self._judge(self.begins[place - 1] if place else datetime.min.replace(tzinfo=UTC))
        return self.judges[place]

    def rule(self, name: str) -> Rule:
        """A rule by its name, `<code>@<version>`; there is one."""
        return next(one.value for many in self.rules for one in many if one.value.name == name)

    def is_about(self, on: str) -> bool:
        """Whether any version of a rule judges such events."""
        return any(one.value.on == on for many in self.rules for one in many)

    def _judge(self, at: datetime) -> Judge | None:
        programme = valid_at(self.programmes, at)
        if programme is None:
            return None
        valid = [one.value for many in self.rules if (one := valid_at(many, at)) is not None]
        by_event: dict[str, list[Rule]] = {}
        for rule in sorted(valid, key=lambda rule: (-rule.priority, rule.ref.code)):
            by_event.setdefault(rule.on, []).append(rule)
        return Judge(programme.value, {on: tuple(rules) for on, rules in by_event.items()})


@lru_cache(maxsize=64)
def bound(programmes: tuple[Published[Programme], ...], rules: tuple[tuple[Published[Rule], ...], ...]) -> Book:
    """The book of these versions, each of them the earliest first; the same object for the same versions."""
    spans = [(one.valid_from, one.valid_to) for one in programmes]
    spans += [(one.valid_from, one.valid_to) for many in rules for one in many]
    begins = {instant for span in spans for instant in span if instant is not None}
    versions = {one.ref.version: one.value for one in programmes}
    return Book(programmes, rules, sorted(begins), versions=versions)
