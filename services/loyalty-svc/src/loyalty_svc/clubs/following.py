"""The use cases of what arrives: orders that pay, values that are reached, customers who turn out to be one.

A batch that no club is about costs one statement, which reads the documents.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.clubs import announcing, invitations, queries
from loyalty_svc.clubs.club import Value
from loyalty_svc.clubs.queries import Kept, Member, NewFact
from loyalty_svc.clubs.settling import Known, histories, key_of, known, settle
from loyalty_svc.clubs.stays import Fact
from loyalty_svc.clubs.tables import DUE, LOOK
from loyalty_svc.honours import queries as honours
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.timers import clear_timers, set_timers

TERMS_MAX: Final = 100
"""So many terms one order pays for."""
SLICE: Final = 1_000
"""So many customers are judged in one transaction when everybody is."""
Causes = dict[Member, Event[Any] | None]


async def follow_facts(tx: Transaction, batch: Sequence[Event[Any]], *, now: datetime) -> None:
    """Take in, renew and let go whom these facts are about; earning has followed them by now."""
    documents = await known(tx)
    if not documents.clubs:
        return
    paid = _payments(documents, batch)
    causes: Causes = {one.member: event for one, event in paid}
    orders = {one.fact.id for one, _ in paid}
    refunds = {event.data.order_uid: event for event in batch if isinstance(event.data, OrderRefunded)}
    if refunds and any(version.value.skus for versions in documents.clubs.values() for version in versions):
        for order_uid, member in await queries.paid_by(tx, refunds):
            causes[member] = refunds[order_uid]
            orders.add(order_uid)
    causes = {**await _by_value(tx, documents, batch), **causes}
    if causes:
        await settle(tx, documents, causes, now=now, fresh=[one for one, _ in paid], orders=orders)


def _payments(documents: Known, batch: Sequence[Event[Any]]) -> list[tuple[NewFact, Event[Any]]]:
    found: list[tuple[NewFact, Event[Any]]] = []
    for event in batch:
        if not isinstance(event.data, OrderPaid):
            continue
        bought = {line.sku for line in event.data.lines}
        for code in sorted(documents.clubs):
            club = documents.club_at(code, event.time) if bought else None
            if club is None or not club.skus & bought:
                continue
            pieces: Counter[str] = Counter()
            for line in event.data.lines:
                if line.sku in club.skus:
                    pieces[line.sku] += line.quantity
            fact = Fact(event.time, "paid", event.data.order_uid, min(pieces.total(), TERMS_MAX), club.rule)
            member = Member(event.about, code)
            new = NewFact(member, fact, event_id=event.id, order_id=event.data.order_id, bought=pieces)
            found.append((new, event))
    return found


async def _by_value(tx: Transaction, documents: Known, batch: Sequence[Event[Any]]) -> Causes:
    """Those in the batch who may have reached a value, or whose membership may stand on one."""
    asked: dict[str, list[Value]] = {code: values for code in documents.clubs if (values := documents.values(code))}
    if not asked:
        return {}
    last = {event.about: event for event in batch}
    past = await histories(tx, [value for values in asked.values() for value in values], last)
    members = await queries.of_customers(tx, last)
    return {
        Member(id_, code): event
        for id_, event in last.items()
        for code, values in asked.items()
        if Member(id_, code) in members or any(past[id_].may_reach(value) for value in values)
    }


async def look(tx: Transaction, begun: Mapping[str, Mapping[str, Any]], *, now: datetime) -> None:
    """Judge the next customers by the values of clubs, of which these versions begin; merges are held off."""
    documents = await known(tx)
    causes: Causes = {}
    again = []
    for rule, so_far in begun.items():
        code, after = rule.partition("@")[0], so_far.get("after")
        values = documents.values(code)
        customers = await honours.customers(tx, after=after and UUID(after), limit=SLICE)
        past = await histories(tx, values, customers)
        reached = [id_ for id_ in customers if any(past[id_].may_reach(value) for value in values)]
        causes |= {Member(id_, code): None for id_ in reached}
        if len(customers) == SLICE:
            again.append((rule, now, {"after": str(customers[-1])}))
    # All at once, so that memberships are locked in the order of their keys.
    if causes:
        await settle(tx, documents, causes, now=now)
    await set_timers(tx, LOOK, again)


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """The survivors are in what either was in, until the later end; what two have come to may reach a value."""
    merges = [event for event in merges if event.data.from_id != event.about]
    if not merges:
        return
    documents = await known(tx)
    causes: Causes = {}
    for event in merges:
        await _join(tx, event.data.from_id, event.about, event, now)
    survivors = {event.about: event for event in merges}
    for member in await queries.of_customers(tx, survivors):
        causes[member] = survivors[member.customer_id]
    causes = {**await _by_value(tx, documents, merges), **causes}
    if causes:
        await settle(tx, documents, causes, now=now)


async def _join(tx: Transaction, from_id: UUID, into_id: UUID, event: Event[Any], now: datetime) -> None:
    """Of two stays the one that goes on, or ends later, is what the survivor was told of."""
    kept = await queries.of_customers(tx, [from_id, into_id])
    joined: dict[Member, Kept] = {}
    for member, former in kept.items():
        if member.customer_id != from_id:
            continue
        survivor = Member(into_id, member.club)
        own = kept.get(survivor)
        if own is not None and _is_over_by_wish(own) and _is_open(former):
            await queries.void(tx, survivor)
        if own is not None and _is_over_by_wish(former) and _is_open(own):
            await queries.void(tx, member)
        joined[survivor] = former if own is None or _lasts_longer(former, own) else own
    await queries.move_facts(tx, from_id, into_id)
    await queries.forget(tx, from_id)
    if joined:
        await queries.hold(tx, joined)
        await queries.save(tx, joined)
    await clear_timers(tx, DUE, [key_of(member) for member in kept if member.customer_id == from_id])
    for row in await invitations.move(tx, from_id, into_id, now=now):
        announcing.decided(tx, row, about=into_id, cause=event)


def _is_open(kept: Kept) -> bool:
    return kept.stay is not None and kept.stay.is_open


def _is_over_by_wish(kept: Kept) -> bool:
    return kept.stay is not None and kept.stay.ended_by in {"left", "removed"}


def _lasts_longer(one: Kept, other: Kept) -> bool:
    if _is_open(one) != _is_open(other) or one.stay is None or other.stay is None:
        return _is_open(one)
    return one.stay.lasts_longer_than(other.stay)
