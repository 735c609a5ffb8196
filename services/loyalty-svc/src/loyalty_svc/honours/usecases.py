"""What honours do inside the transaction they are given. The customers are locked, or in a consumed batch.

An honour is held once at a time. A rule gives it when what happened, or time, has made it true for a member; it does
not give again what staff took back, unless they allow it. What a rule gave stays when it is true no more: an honour is
taken back by people.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.discounts.share import FIELD as DISCOUNT_SHARE
from loyalty_svc.earning import usecases as earning
from loyalty_svc.expiry.calendar import next_at
from loyalty_svc.honours import queries
from loyalty_svc.honours.honour import HONOURS, Deserved, Honour, by_rule, deserving
from loyalty_svc.honours.members import Facts
from loyalty_svc.honours.problems import HonourHeld, HonourOver, NotBarred, UnknownHolding, UnknownHonour
from loyalty_svc.honours.queries import NewHolding
from loyalty_svc.honours.tables import EVERYBODY, LOOK
from loyalty_svc.tiers import queries as tiers
from moat.contracts.honours import HonourGiven, HonourWithdrawn
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, published
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest
from moat.kit.timers import bring_forward, set_timers

SLICE: Final = 1_000
"""So many members are judged in one transaction when everybody is."""
LOOKS_AT: Final = time(4)
BY_RULE: Final = "moat"

Causes = Mapping[UUID, Event[Any] | None]
"""Whom something happened to, and the last event of it; None where time alone has passed."""


async def follow_facts(tx: Transaction, facts: Sequence[Event[Any]], *, now: datetime) -> None:
    """Honour those of a batch who deserve it by now; one statement where no rule is published."""
    await honour_by_rule(tx, {event.about: event for event in facts}, now=now)


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """The survivors hold what either held, and may deserve together what neither did alone."""
    merges = [event for event in merges if event.data.from_id != event.about]
    for event in merges:
        await queries.move(tx, event.data.from_id, event.about, at=event.time)
    if merges:
        await follow_facts(tx, merges, now=now)


async def honour_by_rule(tx: Transaction, causes: Causes, *, now: datetime) -> None:
    """Judge these customers by every rule, and give what they deserve and may have."""
    honours = by_rule(one.value for one in (await published(tx, HONOURS, at=now)).values())
    if not honours or not causes:
        return
    fields = frozenset[str]().union(*(one.asks for one in honours))
    members, base_tier = await known_of(tx, causes, fields, now=now)
    found = {
        (one.customer_id, one.honour.code): one for one in deserving(honours, members, base_tier=base_tier, now=now)
    }
    new = found.keys() - await queries.settled(tx, found, now=now) if found else set()
    if new:
        await _give_by_rule(tx, [found[pair] for pair in sorted(new)], causes, now)


async def known_of(
    tx: Transaction, customer_ids: Collection[UUID], fields: frozenset[str], *, now: datetime
) -> tuple[dict[UUID, Facts], str]:
    """What conditions over these fields may see of these customers, and the tier of those who never got anything."""
    base_tier = (await tiers.plan(tx)).base.code if "tier" in fields else ""
    known = await queries.members(tx, customer_ids, fields, now=now)
    if DISCOUNT_SHARE in fields:
        shares = await discounts.shares(tx, [(one, now) for one in customer_ids])
        known = {one: {**facts, DISCOUNT_SHARE: shares.get((one, now))} for one, facts in known.items()}
    return known, base_tier


async def _give_by_rule(tx: Transaction, deserved: Sequence[Deserved], causes: Causes, now: datetime) -> None:
    """Look again under locks, for staff may be taking one back: give what is free."""
    pairs = {(one.customer_id, one.honour.code) for one in deserved}
    rows = await queries.locked(tx, pairs, now=now)
    taken = {(row.customer_id, row.honour) for row in rows if row.is_barred or row.stands}
    await _lapse(tx, rows)
    free = [one for one in deserved if (one.customer_id, one.honour.code) not in taken]
    await _give(tx, free, causes, by=BY_RULE, reason=None, now=now)


async def _lapse(tx: Transaction, rows: Sequence[Any]) -> None:
    if over := [row.id for row in rows if row.is_open and not row.stands]:
        await queries.lapse(tx, over)


async def _give(
    tx: Transaction,
    deserved: Sequence[Deserved],
    causes: Causes,
    *,
    by: str,
    reason: str | None,
    now: datetime,
    until: datetime | None = None,
) -> list[UUID]:
    """Give and announce; the ids of those that nobody gave meanwhile."""
    new, zone = [], await earning.zone_at(tx, now)
    for one in deserved:
        cause = causes.get(one.customer_id)
        lasts = until or one.honour.valid_until(now, zone)
        event_id = cause.id if cause else None
        new.append(NewHolding(uuid7(), one.customer_id, one.honour.code, one.honour.rule, lasts, event_id))
    given = await queries.give(tx, new, by=by, reason=reason, at=now) if new else set()
    for holding in new:
        if holding.id in given:
            cause = causes.get(holding.customer_id)
            told = HonourGiven(
                honour=holding.honour,
                holding_id=holding.id,
                rule=holding.rule,
                by_rule=reason is None,
                valid_until=holding.valid_until,
            )
            tx.publish(told, about=holding.customer_id, time=cause.time if cause else now, cause=cause)
    return [holding.id for holding in new if holding.id in given]


async def give_by_hand(
    tx: Transaction,
    customer_id: UUID,
    code: str,
    *,
    reason: str,
    until: datetime | None,
    by: str,
    now: datetime,
) -> Row[Any] | None:
    """Staff honour a customer, whatever was taken back before. Raises UnknownHonour, HonourHeld."""
    honour = await _published(tx, code, now=now)
    rows = await queries.locked(tx, [(customer_id, code)], now=now)
    if standing := [row.id for row in rows if row.stands]:
        raise HonourHeld(holding_id=str(standing[0]))
    await _lapse(tx, rows)
    await queries.allow(tx, customer_id, code)
    one = [Deserved(customer_id, honour)]
    given = await _give(tx, one, {}, by=by, reason=reason, now=now, until=until)
    if not given:
        raise HonourHeld
    detail = {"honour": code, "holding_id": str(given[0])}
    await audit.record(tx, at=now, actor=by, action="honour.given", subject=f"customer/{customer_id}", detail=detail)
    return await queries.one(tx, given[0], customer_id)


async def _published(tx: Transaction, code: str, *, now: datetime) -> Honour:
    known = await published(tx, HONOURS, at=now)
    if code not in known:
        detail = f"no published honour has this code{nearest(code, known)}"
        raise UnknownHonour(errors=[FieldError("/honour", detail)])
    return known[code].value


async def take_back(
    tx: Transaction, holding_id: UUID, customer_id: UUID, *, reason: str, may_return: bool, by: str, now: datetime
) -> Row[Any] | None:
    """Staff take an honour back; the rule gives it again only if it `may_return`. Raises UnknownHolding, HonourOver."""
    row = await _holding(tx, holding_id, customer_id)
    if row.ended_at is not None or (row.valid_until is not None and row.valid_until <= now):
        raise HonourOver
    await queries.withdraw(tx, holding_id, by=by, reason=reason, bars=not may_return, at=now)
    tx.publish(HonourWithdrawn(honour=row.honour, holding_id=holding_id), about=customer_id, time=now)
    detail = {"honour": row.honour, "holding_id": str(holding_id)}
    subject = f"customer/{customer_id}"
    await audit.record(tx, at=now, actor=by, action="honour.withdrawn", subject=subject, detail=detail)
    return await queries.one(tx, holding_id, customer_id)


async def allow_again(
    tx: Transaction, holding_id: UUID, customer_id: UUID, *, by: str, now: datetime
) -> Row[Any] | None:
    """The rule may give again what was taken back. Raises UnknownHolding, NotBarred."""
    row = await _holding(tx, holding_id, customer_id)
    if not row.is_barred:
        raise NotBarred
    await queries.allow(tx, customer_id, row.honour)
    detail = {"honour": row.honour, "holding_id": str(holding_id)}
    subject = f"customer/{customer_id}"
    await audit.record(tx, at=now, actor=by, action="honour.allowed_again", subject=subject, detail=detail)
    return await queries.one(tx, holding_id, customer_id)


async def _holding(tx: Transaction, holding_id: UUID, customer_id: UUID) -> Any:
    row = await queries.one(tx, holding_id, customer_id)
    if row is None:
        raise UnknownHolding
    return row


async def look_at_everybody(tx: Transaction, version: Published[Honour], now: datetime) -> None:
    """A rule was published: whoever deserves the honour already gets it, in slices, and so every night from then on."""
    if version.value.condition is None:
        return
    if version.valid_from is None or version.valid_from <= now:
        await set_timers(tx, LOOK, [(EVERYBODY, now, {})])
    else:
        # The looks until then are for the other rules, and one may be under way.
        await bring_forward(tx, LOOK, [(EVERYBODY, version.valid_from, {})])


async def look(tx: Transaction, begun: Mapping[str, Any], *, now: datetime) -> None:
    """Judge the next members: also by what time, timers and staff have changed. Nothing more where no rule is left."""
    rules = [one for one in (await published(tx, HONOURS)).values() if one.value.condition is not None]
    if not rules:
        return
    after, since = begun.get("after"), begun.get("since", now.isoformat())
    customers = await queries.customers(tx, after=after and UUID(after), limit=SLICE)
    await honour_by_rule(tx, dict.fromkeys(customers), now=now)
    if len(customers) == SLICE:
        await set_timers(tx, LOOK, [(EVERYBODY, now, {"after": str(customers[-1]), "since": since})])
    else:
        await set_timers(tx, LOOK, [(EVERYBODY, _next_look(rules, datetime.fromisoformat(since), now), {})])


def _next_look(rules: Sequence[Published[Honour]], since: datetime, now: datetime) -> datetime:
    """At night, or when a rule begins that was not valid yet when this look began, if that is earlier."""
    begins = [one.valid_from for one in rules if one.valid_from is not None and one.valid_from > since]
    return min([next_at(LOOKS_AT, now), *begins])
