"""What earning does inside the transaction it is given: events become postings, balances, tiers and events.

Load once, fold in memory, save once: the number of statements does not depend on the number of events. Counters of
limits are held first, before any order is read, so that of two consumers that pay one order the second sees it paid.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.discounts.share import FIELD
from loyalty_svc.earning import queries
from loyalty_svc.earning.bench import AwardNote, Bench, Happening
from loyalty_svc.earning.booking import basis_of, posting_of
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.judging import Book, bound
from loyalty_svc.earning.limits import give_back, last_of
from loyalty_svc.earning.orders import Award, Decision, OrderEarning, Paid, Refund, pay, release, take_back
from loyalty_svc.earning.problems import UnknownOrder
from loyalty_svc.earning.returns import LineAward, OrderLine
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, RULES, Programme, zone_of
from loyalty_svc.ledger import announcing
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.posting import Cause, Posting, owed
from loyalty_svc.tiers import queries as tier_queries
from loyalty_svc.tiers import usecases as tiers
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published, versions_of_two
from moat.kit.events import Cause as EventCause
from moat.kit.events import Event

Orders = Mapping[UUID, Sequence[int]]
"""The places in the batch of each order's events."""


class OrderKeptChanging(RuntimeError):
    """An order's state changed although its row was locked; it cannot happen."""


async def book_of(tx: Transaction) -> Book:
    """Every version of the programme and of its rules."""
    programmes, rules = await versions_of_two(tx, PROGRAMMES, RULES)
    return bound(tuple(programmes.get(PROGRAMME, ())), tuple(tuple(many) for many in rules.values()))


async def zone_at(tx: Transaction, at: datetime) -> ZoneInfo:
    """Where the programme counts its days at an instant."""
    return zone_of((await published(tx, PROGRAMMES, at=at)).get(PROGRAMME))


async def post_orders(tx: Transaction, batch: Sequence[Event[Any]], *, now: datetime) -> None:
    """Give points for paid orders and take them back for refunds, whatever arrives first."""
    book = await book_of(tx)
    paid = {
        place: order_happening(event, book) for place, event in enumerate(batch) if isinstance(event.data, OrderPaid)
    }
    bench = await _bench(tx, book, paid)
    decided: dict[int, list[tuple[Decision, Programme]]] = {}
    pending: Orders = _by_order(batch)
    # Another round sees the orders that another consumer made or changed while the first was thinking: after one for
    # each they are known and locked.
    for _ in range(3):
        pending = await _decide(tx, batch, pending, bench, decided)
        if not pending:
            break
    else:
        raise OrderKeptChanging(f"{len(pending)} orders")
    await _keep(
        tx, bench, [note for place, one in bench.decided.items() if one.noted for note in bench.notes(place)], now=now
    )
    await _post(tx, *_postings(batch, decided), now=now)


async def post_events(tx: Transaction, batch: Sequence[Event[Any]], *, now: datetime) -> None:
    """Give points for other events; each thing that happens is rewarded once by each rule, however often it is told."""
    book = await book_of(tx)
    happenings = {
        place: one for place, event in enumerate(batch) if book.is_about((one := event_happening(event, book)).on)
    }
    if not happenings:
        return
    # One that was told before is not judged again, so that it does not count against its limits.
    known = await queries.noted(tx, [one.cause_id for one in happenings.values()])
    fresh: dict[int, Happening] = {}
    for place, one in happenings.items():
        if one.cause_id not in known:
            known.add(one.cause_id)
            fresh[place] = one
    bench = await _bench(tx, book, fresh)
    postings: list[Posting] = []
    causes: list[Event[Any]] = []
    for place, one in fresh.items():
        for award in bench.decide(place).awards:
            assert one.judge is not None
            cause = Cause(one.cause_id, award.code, one.event_id)
            basis = basis_of(one.on, award, one.judge.programme)
            postings.append(owed(one.customer_id, basis, award.points, at=one.at, cause=cause))
            causes.append(batch[place])
    await _keep(tx, bench, [note for place in fresh for note in bench.notes(place, with_given=True)], now=now)
    await _post(tx, postings, causes, now=now)


async def _bench(tx: Transaction, book: Book, happenings: Mapping[int, Happening]) -> Bench:
    """What judging needs besides the events: tiers and counters, where a rule asks for them."""
    bench = Bench(book, happenings)
    await read_members(tx, bench)
    if any(judge.has_limits for judge in bench.judges()) and (keys := bench.keys()):
        bench.counters = await queries.hold_counters(tx, keys)
    return bench


async def read_members(tx: Transaction, bench: Bench) -> None:
    """Put beside the events what their rules ask about the members; no statement where no rule asks."""
    happenings = bench.happenings
    if any(judge.reads_tier for judge in bench.judges()):
        members = {one.customer_id for one in happenings.values()}
        standings = await tier_queries.standings(tx, members)
        first = (await tier_queries.plan(tx)).base.code
        for one in happenings.values():
            one.row["tier"] = standings[one.customer_id].tier_at(one.at) if one.customer_id in standings else first
    if any(judge.reads_discounts for judge in bench.judges()):
        shares = await discounts.shares(tx, {(one.customer_id, one.at) for one in happenings.values()})
        for one in happenings.values():
            one.row[FIELD] = shares.get((one.customer_id, one.at))


async def _keep(tx: Transaction, bench: Bench, notes: Sequence[AwardNote], *, now: datetime) -> None:
    await queries.count(tx, bench.counters)
    await queries.note(tx, notes, at=now)


async def _post(tx: Transaction, postings: list[Posting], causes: list[Any], *, now: datetime) -> None:
    if postings:
        posted, touched = await ledger.post(tx, postings, now=now)
        announcing.moved_by(tx, posted, causes, now=now)
        await tiers.follow_growth(tx, posted, causes)
        await ledger.expire_due(tx, touched, now=now)


def _by_order(batch: Sequence[Event[Any]]) -> dict[UUID, list[int]]:
    places: dict[UUID, list[int]] = {}
    for place, event in enumerate(batch):
        places.setdefault(event.data.order_uid, []).append(place)
    return places


def order_happening(event: Event[Any], book: Book) -> Happening:
    """A paid order as rules see it."""
    data, judge = event.data, book.at(event.time)
    row = {
        "currency": data.currency,
        "total_minor": data.total_minor,
        "channel": data.channel,
        "order_source": data.order_source,
        "at": event.time,
        "paid_at": event.time,
        "tier": None,
        "lines": [vars(line) for line in data.lines] if judge and judge.reads_lines else None,
    }
    return Happening(ORDER_PAID, event.about, event.time, data.order_uid, event.id, data.order_id, row, judge)


def event_happening(event: Event[Any], book: Book) -> Happening:
    """Any other event as rules see it: rewarded once is the thing that it is about, where it has one."""
    name = type(event.data).AGGREGATE_ID
    thing = getattr(event.data, name) if name else f"{event.source} {event.id}"
    cause_id = uuid5(NAMESPACE_OID, f"{event.type} {thing}")
    row = {**event.data.model_dump(), "at": event.time, "tier": None}
    on = event.type.removeprefix("moat.").removesuffix(".v1")
    return Happening(on, event.about, event.time, cause_id, event.id, None, row, book.at(event.time))


async def _decide(
    tx: Transaction,
    batch: Sequence[Event[Any]],
    orders: Orders,
    bench: Bench,
    decided: dict[int, list[tuple[Decision, Programme]]],
) -> Orders:
    """Fold the events of these orders and save their states; returns the orders that have to be decided again."""
    known = await queries.load(tx, orders)
    changed: list[OrderEarning] = []
    found: dict[UUID, list[tuple[int, Sequence[Decision]]]] = {}
    for order_uid, places in orders.items():
        order = known.get(order_uid) or OrderEarning(order_uid)
        before = (order.paid_at, len(order.refunds))
        found[order_uid] = [(place, fold(order, place, batch[place], bench)) for place in places]
        if (order.paid_at, len(order.refunds)) != before:
            changed.append(order)
    stale = await queries.save(tx, changed)
    for order in changed:
        if order.programme_version is not None and order.order_uid not in stale:
            programme = bench.book.versions[order.programme_version]
            for place, decisions in found[order.order_uid]:
                if decisions:
                    decided[place] = [(decision, programme) for decision in decisions]
    return {order_uid: orders[order_uid] for order_uid in stale}


def fold(order: OrderEarning, place: int, event: Event[Any], bench: Bench) -> Sequence[Decision]:
    """What an event of an order decides; the order's state moves along."""
    data = event.data
    if isinstance(data, OrderPaid):
        if order.paid_at is not None:
            bench.forget(place)
            return []
        judge = bench.happenings[place].judge
        version = judge.programme.version if judge else None
        decided = bench.decide(place)
        by_line: tuple[LineAward, ...] = ()
        if judge is not None and judge.has_line_rules and (decided.awards or decided.noted):
            by_line = judge.by_line(decided, bench.happenings[place].row, event.time)
        lines = _lines(data) if by_line else ()
        paid = Paid(event.about, event.time, data.currency, data.total_minor, version, decided.awards, by_line, lines)
        return pay(order, paid)
    refund = Refund(data.refund_id, event.time, data.currency, data.amount_minor, event.id, _lines(data))
    return take_back(order, refund)


def _lines(data: OrderPaid | OrderRefunded) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(line.sku, line.category, line.brand, line.quantity, line.amount_minor) for line in data.lines
    )


def _postings(
    batch: Sequence[Event[Any]], decided: Mapping[int, Sequence[tuple[Decision, Programme]]]
) -> tuple[list[Posting], list[Event[Any]]]:
    """The postings in the order of the batch, each with the event that it came with."""
    postings: list[Posting] = []
    causes: list[Event[Any]] = []
    for place in sorted(decided):
        event = batch[place]
        for decision, programme in decided[place]:
            data = event.data
            postings.append(posting_of(decision, programme, data.order_uid, data.order_id, event.id))
            causes.append(event)
    return postings, causes


async def read_order(tx: Transaction, order_uid: UUID) -> tuple[OrderEarning, tuple[str, ...]]:
    """The state of an order, and the account types of the programme that judged it. Raises UnknownOrder."""
    order = (await queries.load(tx, [order_uid])).get(order_uid)
    if order is None:
        raise UnknownOrder
    version = order.programme_version
    return order, () if version is None else (await book_of(tx)).versions[version].credits


async def give_held(tx: Transaction, notes: Sequence[AwardNote], *, now: datetime) -> list[int]:
    """Give awards of one event that were held, as far as the refunds known by now leave them; how many points each."""
    book = await book_of(tx)
    event = notes[0]
    judge = book.at(event.at)
    assert judge is not None
    order = await queries.lock_order(tx, event.cause_id)
    points: list[int] = []
    postings: list[Posting] = []
    for note in notes:
        award = Award(note.code, note.rule, note.points, note.matched, book.rule(note.rule).terms)
        points.append(note.points if order is None else release(order, award))
        if points[-1]:
            cause = Cause(note.cause_id, note.code, note.event_id, note.order_id)
            basis = basis_of(note.event_type, award, judge.programme)
            postings.append(owed(note.customer_id, basis, points[-1], at=note.at, cause=cause))
    if order is not None:
        # Where refunds have left nothing of them the order has earned nothing.
        await queries.save(tx, [order] if any(points) else [])
    await _post(tx, postings, [EventCause(event.event_id, None, None)] * len(postings), now=now)
    return points


async def uncount_held(tx: Transaction, notes: Sequence[AwardNote]) -> list[str]:
    """Awards of one event that were held are not given: their limits let others through again.

    Returns the rules whose cooldowns run from them, to run from what stands without them; their counters are held.
    """
    book, event = await book_of(tx), notes[0]
    judge = book.at(event.at)
    assert judge is not None
    keys = [dict.fromkeys(judge.keys_of(book.rule(note.rule), note.customer_id, note.at)) for note in notes]
    counters = await queries.hold_counters(tx, list({key: None for own in keys for key in own}))
    for note, own in zip(notes, keys, strict=True):
        give_back([counters[key] for key in own], note.points)
    await queries.count(tx, counters)
    latest = {note.code: counters.get(last_of(note.code, event.customer_id)) for note in notes}
    return [code for code, counter in latest.items() if counter is not None and counter.last_at == event.at]
