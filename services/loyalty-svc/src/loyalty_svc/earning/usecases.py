"""What earning does inside the transaction it is given: orders become postings, balances, tiers and events.

Load once, fold in memory, save once: the number of statements does not depend on the number of events.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from loyalty_svc.earning import queries
from loyalty_svc.earning.announcing import announce
from loyalty_svc.earning.orders import Decision, Earned, OrderEarning, Paid, Refund, pay, take_back
from loyalty_svc.earning.programme import Programme, valid_at
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.posting import Basis, Cause, Kind, Posting, owed
from loyalty_svc.tiers import usecases as tiers
from moat.contracts.orders import OrderPaid
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

Orders = Mapping[UUID, Sequence[int]]
"""The places in the batch of each order's events."""


class OrderKeptChanging(RuntimeError):
    """An order's state changed although its row was locked; it cannot happen."""


async def post_orders(tx: Transaction, batch: Sequence[Event[Any]]) -> None:
    """Give points for paid orders and take them back for refunds, whatever arrives first."""
    programmes = await queries.programmes(tx)
    decided: dict[int, list[tuple[Decision, Programme]]] = {}
    pending: Orders = _by_order(batch)
    # Another round sees the orders that another consumer made or changed while the first was thinking: after one for
    # each they are known and locked.
    for _ in range(3):
        pending = await _decide(tx, batch, pending, programmes, decided)
        if not pending:
            break
    else:
        raise OrderKeptChanging(f"{len(pending)} orders")
    postings, causes = _postings(batch, decided)
    if postings:
        posted = await ledger.post(tx, postings)
        announce(tx, posted, causes)
        await tiers.follow_growth(tx, posted, causes)


def _by_order(batch: Sequence[Event[Any]]) -> dict[UUID, list[int]]:
    places: dict[UUID, list[int]] = {}
    for place, event in enumerate(batch):
        places.setdefault(event.data.order_uid, []).append(place)
    return places


async def _decide(
    tx: Transaction,
    batch: Sequence[Event[Any]],
    orders: Orders,
    programmes: Sequence[Programme],
    decided: dict[int, list[tuple[Decision, Programme]]],
) -> Orders:
    """Fold the events of these orders and save their states; returns the orders that have to be decided again."""
    known = await queries.load(tx, orders)
    versions = {programme.version: programme for programme in programmes}
    changed: list[OrderEarning] = []
    found: dict[UUID, list[tuple[int, list[Decision]]]] = {}
    for order_uid, places in orders.items():
        order = known.get(order_uid) or OrderEarning(order_uid)
        before = (order.paid_at, len(order.refunds))
        found[order_uid] = [(place, _fold(order, batch[place], programmes)) for place in places]
        if (order.paid_at, len(order.refunds)) != before:
            changed.append(order)
    stale = await queries.save(tx, changed)
    for order in changed:
        if order.programme_version is not None and order.order_uid not in stale:
            programme = versions[order.programme_version]
            for place, decisions in found[order.order_uid]:
                if decisions:
                    decided[place] = [(decision, programme) for decision in decisions]
    return {order_uid: orders[order_uid] for order_uid in stale}


def _fold(order: OrderEarning, event: Event[Any], programmes: Sequence[Programme]) -> list[Decision]:
    data = event.data
    if isinstance(data, OrderPaid):
        if order.paid_at is not None:
            return []
        programme = valid_at(programmes, event.time)
        awards = programme.awards(_row(data, event, programme), event.time) if programme else ()
        version = programme.version if programme else None
        return pay(order, Paid(event.about, event.time, data.currency, data.total_minor, version, awards))
    return take_back(order, Refund(data.refund_id, event.time, data.currency, data.amount_minor, event.id))


def _row(data: OrderPaid, event: Event[Any], programme: Programme) -> dict[str, Any]:
    """The order as conditions see it."""
    return {
        "currency": data.currency,
        "total_minor": data.total_minor,
        "channel": data.channel,
        "order_source": data.order_source,
        "paid_at": event.time,
        "lines": [line.model_dump() for line in data.lines] if programme.reads_lines else None,
    }


def _postings(
    batch: Sequence[Event[Any]], decided: Mapping[int, Sequence[tuple[Decision, Programme]]]
) -> tuple[list[Posting], list[Event[Any]]]:
    """The postings in the order of the batch, each with the event that it came with."""
    postings: list[Posting] = []
    causes: list[Event[Any]] = []
    for place in sorted(decided):
        event = batch[place]
        for decision, programme in decided[place]:
            postings.append(_posting(event, decision, programme))
            causes.append(event)
    return postings, causes


@lru_cache(maxsize=1024)
def _basis(kind: Kind, reason: str, credits: tuple[str, ...], rule: str | None, matched: str | None) -> Basis:
    """One object for equal ones, which the ledger stores together."""
    return Basis(kind, reason, credits, rule, matched)


def _posting(event: Event[Any], decision: Decision, programme: Programme) -> Posting:
    order_uid, order_id = event.data.order_uid, event.data.order_id
    if isinstance(decision, Earned):
        award = decision.award
        basis = _basis(Kind.EARNED, "order.paid", programme.credits, award.rule, award.matched)
        cause = Cause(order_uid, award.code, event.id, order_id)
        return owed(decision.customer_id, basis, award.points, at=decision.at, cause=cause)
    refund = decision.refund
    basis = _basis(Kind.REVERSED, "order.refunded", programme.credits, None, None)
    cause = Cause(order_uid, refund.refund_id, refund.event_id, order_id)
    return owed(decision.customer_id, basis, -decision.points, at=decision.at, cause=cause)
