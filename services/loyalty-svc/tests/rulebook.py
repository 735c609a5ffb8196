"""Short ways to write earning rules, to ask them, and to put them in force."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from loyalty_svc.earning.documents import ProgrammeDocument, RuleDocument
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.judging import Decided, Judge
from loyalty_svc.earning.limits import Counter, Key
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, RULES, compile_programme, compile_rule
from moat.kit.documents import DocumentKind, Ref
from moat.kit.documents.editing import Change, draft, publish, retire

from .builders import at
from .house import House

LI = UUID(int=2)
LONG_AGO = at(-10_000)
PER_UNIT: dict[str, Any] = {"kind": "rate", "points": 1}
SHARED = {"currencies": ["CNY", "USD", "JPY", "KWD"], "credits": ["points", "growth"]}


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    """A condition of one comparison."""
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


def fixed(points: int) -> dict[str, Any]:
    return {"kind": "fixed", "points": points}


def times(of: str, factor: str) -> dict[str, Any]:
    return {"kind": "multiplier", "of": of, "times": factor}


def at_most(
    number: int, of: str = "customer", per: str = "day", what: str = "points", way: str = "cap"
) -> dict[str, Any]:
    return {"of": of, "per": per, "what": what, "at_most": number, "way": way}


def a_rule(award: dict[str, Any] = PER_UNIT, **more: Any) -> dict[str, Any]:
    return {"names": {"zh-CN": "规则", "en": "A rule"}, "award": award, **more}


def judge(programme: dict[str, Any] | None = None, **rules: dict[str, Any]) -> Judge:
    """Who judges by these rules; underscores in their names become dashes."""
    by_event: dict[str, list[Any]] = {}
    for name, document in rules.items():
        ref = Ref("earning_rule", name.replace("_", "-"), 1)
        rule = compile_rule(RuleDocument.model_validate(document), ref)
        by_event.setdefault(rule.on, []).append(rule)
    shared = compile_programme(
        ProgrammeDocument.model_validate(SHARED | (programme or {})), Ref("programme", "programme", 1)
    )
    in_order = {
        on: tuple(sorted(many, key=lambda rule: (-rule.priority, rule.ref.code))) for on, many in by_event.items()
    }
    return Judge(shared, in_order)


def an_order(total_minor: int = 2933, currency: str = "CNY", **more: Any) -> dict[str, Any]:
    return {"currency": currency, "total_minor": total_minor, "tier": None, "lines": None, **more}


class Asked:
    """A judge with counters of its own, asked event after event."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.counters: dict[Key, Counter] = {}

    def about(self, row: dict[str, Any], *, day: float = 1, customer: UUID = LI, on: str = ORDER_PAID) -> Decided:
        limited = self.judge.limited(self.judge.matches(on, row, at(day)), customer, at(day))
        for _, keys in limited:
            for key in keys:
                self.counters.setdefault(key, Counter())
        return self.judge.award(limited, at(day), self.counters)

    def points(
        self, row: dict[str, Any], *, day: float = 1, customer: UUID = LI, on: str = ORDER_PAID
    ) -> dict[str, int]:
        """Points by rule."""
        decided = self.about(row, day=day, customer=customer, on=on)
        return {award.code: award.points for award in decided.awards}


async def put_in_force(
    house: House, code: str, document: dict[str, Any], *, begins: datetime | None = LONG_AGO, kind: Any = RULES
) -> None:
    """Publish a rule, valid since long ago unless said otherwise."""
    change = Change("test", house.clock.now(), confirm=["documents.backdated", "earning.unlimited"])
    async with house.db.transaction() as tx:
        await draft(tx, kind, code, kind.model.model_validate(document), change)
        await publish(tx, kind, code, change, valid_from=begins)
    house.clock.advance(timedelta(microseconds=1))


async def share(house: House, **more: Any) -> None:
    """Publish another version of the programme."""
    await put_in_force(house, PROGRAMME, SHARED | more, kind=PROGRAMMES)


async def end(house: House, code: str, kind: DocumentKind[Any, Any] = RULES) -> None:
    """Retire a rule."""
    async with house.db.transaction() as tx:
        await retire(tx, kind, code, Change("test", house.clock.now()))
