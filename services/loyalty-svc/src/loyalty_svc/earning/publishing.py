"""What a rule or the programme is checked against before it is published: the documents beside it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from loyalty_svc.accounts.types import ACCOUNT_TYPES, AccountType
from loyalty_svc.earning.contradictions import EXPIRES_WHILE_PENDING, may_expire_while_pending
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.formula import OnTop, Ratio
from loyalty_svc.earning.problems import OthersOnTop
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, RULES, Programme, Rule
from loyalty_svc.earning.worth import MORE_THAN_WORTH, POINT_COST, is_more_than_worth
from loyalty_svc.ledger.tables import POINTS
from loyalty_svc.tiers import queries as tiers
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Doubt, Published, WrongDocument, published
from moat.kit.problems import FieldError, nearest

SAMPLES: Final = (1, 99, 100, 999)
"""The orders that a preview shows, in whole currency units."""


async def preview_rule(tx: Transaction, rule: Rule, at: datetime) -> dict[str, Any]:
    """What the rule alone gives for a few orders without lines, before limits; null where it does not fit.

    Raises WrongDocument when it contradicts itself.
    """
    if rule.wrong:
        errors = [FieldError("/document" + one.pointer, one.detail) for one in rule.wrong]
        raise WrongDocument(errors[0].detail, errors=errors)
    programme = (await published(tx, PROGRAMMES)).get(PROGRAMME)
    if rule.on != ORDER_PAID or programme is None:
        return {"samples": []}
    samples = []
    for currency, unit in programme.value.units.items():
        for units in SAMPLES:
            row = {"currency": currency, "total_minor": units * unit, "lines": [], "at": at, "paid_at": at}
            match = rule.match(row | {"tier": None, "channel": None, "order_source": None}, unit, at)
            points = match.wanted if match is not None else None
            samples.append({"currency": currency, "total_minor": units * unit, "points": points})
    return {"samples": samples}


async def doubts_about_rule(tx: Transaction, rule: Rule) -> Sequence[Doubt]:
    """Whether it gives more than its event is worth, at what points cost by now; whether points expire as they wait."""
    programme = (await published(tx, PROGRAMMES)).get(PROGRAMME)
    types = {code: one.value for code, one in (await published(tx, ACCOUNT_TYPES)).items()}
    cost = types[POINTS].unit_cost if POINTS in types else None
    point_cost = POINT_COST if cost is None else Ratio(cost.minor_per_thousand, 1000)
    units, shared = (programme.value.units, programme.value.credits) if programme is not None else ({}, ())
    doubts = [MORE_THAN_WORTH] if is_more_than_worth(rule, point_cost, units) else []
    credited = [types[code] for code in rule.terms.credits or shared if code in types]
    return doubts + ([EXPIRES_WHILE_PENDING] if _may_expire_while_pending(rule, credited) else [])


def _may_expire_while_pending(rule: Rule, credited: Iterable[AccountType]) -> bool:
    """Whether points of the rule may; where it contradicts itself it is refused anyway."""
    if rule.terms.pending is None or rule.wrong:
        return False
    expiries = [rule.terms.expires or one.expiry for one in credited if one.is_spendable]
    return any(may_expire_while_pending(rule.terms.pending.days, expiry) for expiry in expiries)


async def check_rule(tx: Transaction, found: Published[Rule], at: datetime) -> None:
    """Raises WrongDocument when it contradicts itself, names a rule, a tier or an account type that is not there, or is
    not what rules on top of it need.
    """
    rule = found.value
    errors = [*rule.wrong, *await _unknown_types(tx, rule.terms.credits or ())]
    if rule.by_tier:
        tiers_known = [tier.code for tier in (await tiers.plan(tx)).tiers]
        errors += [_unknown("/by_tier/" + code, code, tiers_known) for code in rule.by_tier if code not in tiers_known]
    others = {code: one.value for code, one in (await published(tx, RULES)).items() if code != rule.ref.code}
    if isinstance(rule.formula, OnTop):
        errors += _wrong_base(rule, rule.formula.of, others)
    errors += _wrong_below(rule, _on_top_of(rule, others, found.valid_from or at))
    if errors:
        raise WrongDocument(errors[0].detail, errors=errors)


async def refuse_below_others(tx: Transaction, found: Published[Rule], at: datetime) -> None:
    """Raises OthersOnTop when a rule is to be retired that published ones are on top of."""
    rules = {code: one.value for code, one in (await published(tx, RULES)).items()}
    if on_top := _on_top_of(found.value, rules, at):
        raise OthersOnTop(rules=[rule.ref.code for rule in on_top])


async def check_programme(tx: Transaction, found: Published[Programme], at: datetime) -> None:
    """Raises WrongDocument when it credits an account type that is not there, or one twice."""
    if errors := [*found.value.wrong, *await _unknown_types(tx, found.value.credits)]:
        raise WrongDocument(errors[0].detail, errors=errors)


async def _unknown_types(tx: Transaction, credits: Sequence[str]) -> list[FieldError]:
    if not credits:
        return []
    known = await published(tx, ACCOUNT_TYPES)
    return [_unknown(f"/credits/{place}", code, known) for place, code in enumerate(credits) if code not in known]


def _wrong_base(rule: Rule, of: str, others: Mapping[str, Rule]) -> list[FieldError]:
    base = others.get(of)
    if base is None:
        return [_unknown("/award/of", of, others)]
    if isinstance(base.formula, OnTop):
        return [FieldError("/award/of", f"{of} is on top of another rule itself")]
    if base.on != rule.on:
        return [FieldError("/award/of", f"{of} is about {base.on}, this rule about {rule.on}")]
    return []


def _on_top_of(rule: Rule, others: Mapping[str, Rule], at: datetime) -> list[Rule]:
    """The rules on top of one, but for campaigns that are over at an instant; by code."""
    return [
        one
        for _, one in sorted(others.items())
        if isinstance(one.formula, OnTop)
        and one.formula.of == rule.ref.code
        and (one.ends_at is None or one.ends_at > at)
    ]


def _wrong_below(rule: Rule, on_top: Sequence[Rule]) -> list[FieldError]:
    if isinstance(rule.formula, OnTop):
        told = "is on top of this rule, which cannot be on top of another itself"
        return [FieldError("/award/of", f"{one.ref.code} {told}") for one in on_top]
    return [
        FieldError("/on", f"{one.ref.code} is on top of this rule and about {one.on}")
        for one in on_top
        if one.on != rule.on
    ]


def _unknown(pointer: str, code: str, known: Iterable[str]) -> FieldError:
    return FieldError(pointer, f"there is no {code} that is published{nearest(code, known)}")
