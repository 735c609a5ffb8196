"""A batch of raw facts, in one transaction: load once, fold in memory, save once.

The same facts in any order and any split into batches end in the same customers, identifiers, orders and figures (the
one exception is named in `identity.matching`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from customer_svc.identity import queries as identities
from customer_svc.identity import usecases as identity
from customer_svc.identity.matching import Resolution
from customer_svc.identity.usecases import IdentityContended
from customer_svc.intake import queries
from customer_svc.intake.facts import Fact, origin_of
from customer_svc.intake.joining import carry_out
from customer_svc.intake.translating import announcement_of, change_of, fact_of, fields_of, told_of
from customer_svc.orders import queries as orders
from customer_svc.orders.folding import Order, fold
from customer_svc.profiles import queries as profiles
from customer_svc.profiles import usecases as profile_usecases
from customer_svc.profiles.folding import File, count_order, see, spend, write
from customer_svc.timeline import queries as timeline
from customer_svc.timeline.entries import Entry, as_json, kind_of
from moat.contracts import intake as raw
from moat.contracts.customers import (
    CustomerActivityRecorded,
    CustomerCreated,
    CustomerIdentified,
    CustomerMerged,
    CustomerMergeProposed,
)
from moat.customers.follow import hold_merges_off
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event, EventData


@dataclass(slots=True)
class Batch:
    """What is known while a batch is folded."""

    tx: Transaction
    events: Sequence[Event[Any]]
    facts: Sequence[Fact]
    files: dict[UUID, File] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)
    owned_before: dict[UUID, UUID] = field(default_factory=dict)
    """Whose each order was that was known before."""
    changed: dict[UUID, Order] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def announce(
        self, fact: int, data: EventData, about: UUID, told: dict[str, Any], *, order_uid: UUID | None = None
    ) -> UUID:
        """Publish what a fact means, and note it in the customer's timeline; with `order_uid` it stays the order's.

        Returns the event's id.
        """
        event = self.events[fact]
        at = self.facts[fact].at
        id_ = self.tx.publish(data, about=about, time=at, cause=event)
        self.entries.append(Entry(id_, about, at, kind_of(data.TYPE), event.id, order_uid, as_json(told)))
        return id_


async def take(tx: Transaction, events: Sequence[Event[Any]], *, at: datetime) -> None:
    """Find or create the customer of every fact, and do what it says.

    Raises a Problem for a fact that can never be taken (a permanent error), and IdentityContended, which passes.
    """
    batch = await _new(tx, events, at)
    if not batch.facts:
        return
    # A split is made alone, so that none of these identifiers becomes another's while they are matched.
    await hold_merges_off(tx)
    resolution, origins = await identity.settle(tx, [fact.identifiers for fact in batch.facts], at)
    for fact, customer_id in zip(batch.facts, resolution.customers, strict=True):
        fact.customer_id = customer_id
        if origins:
            fact.origin_id = origin_of(fact.identifiers, origins)
    await _load_files(batch, resolution)
    merge_ids = _announce_customers(batch, resolution)
    if resolution.merged:
        await carry_out(tx, list(zip(resolution.merged, merge_ids, strict=True)), batch.facts, batch.files, at)
    if resolution.proposals:
        await _propose(batch, resolution)
    await _load_orders(batch)
    for index, fact in enumerate(batch.facts):
        if fact.customer_id is not None:
            _fold(batch, index, fact, fact.customer_id)
    await _save(batch, {one.from_id for one in resolution.merged}, at)


async def _new(tx: Transaction, events: Sequence[Event[Any]], at: datetime) -> Batch:
    """The facts of a batch that were never taken before, each once."""
    first: dict[tuple[str, str], Event[Any]] = {}
    for event in events:
        first.setdefault((event.source, event.id), event)
    known = await queries.known(tx, list(first))
    new = [event for name, event in first.items() if name not in known]
    return Batch(tx, new, [fact_of(event, at) for event in new])


async def _load_files(batch: Batch, resolution: Resolution) -> None:
    created = {one.customer_id: File(one.customer_id, is_new=True) for one in resolution.created}
    ids = {id_ for id_ in resolution.customers if id_ is not None}
    ids.update(one.from_id for one in resolution.merged)
    ids.update(one.into_id for one in resolution.merged)
    batch.files = created
    if known := ids - created.keys():
        batch.files |= await profiles.load(batch.tx, known)


def _announce_customers(batch: Batch, resolution: Resolution) -> list[UUID]:
    """Tell who is new and who is known by more; the ids of the events that tell of merges."""
    for one in resolution.created:
        batch.announce(one.fact, CustomerCreated(), one.customer_id, {})
    new = {one.customer_id for one in resolution.created}
    for identifier, customer_id, fact in resolution.added:
        if customer_id not in new:
            data = CustomerIdentified(system=identifier.system or None, kind=identifier.kind)
            batch.tx.publish(data, about=customer_id, time=batch.facts[fact].at, cause=batch.events[fact])
    return [
        batch.announce(
            merged.fact, CustomerMerged(from_id=merged.from_id), merged.into_id, {"from_id": str(merged.from_id)}
        )
        for merged in resolution.merged
    ]


async def _propose(batch: Batch, resolution: Resolution) -> None:
    """Leave to staff, and tell others by ids, who may be one person."""
    facts = [batch.facts[one.fact] for one in resolution.proposals]
    causes = [(fact.source, fact.event_id, fact.at) for fact in facts]
    for one in await identities.propose(batch.tx, resolution.proposals, causes):
        data = CustomerMergeProposed(other_id=one.second_id)
        batch.tx.publish(data, about=one.first_id, time=batch.facts[one.fact].at, cause=batch.events[one.fact])


async def _load_orders(batch: Batch) -> None:
    """The orders of the batch as far as they are known, and the files of whose they are."""
    uids = {fact.order_uid for fact in batch.facts if fact.order_uid is not None}
    if not uids:
        return
    batch.orders = await orders.load(batch.tx, uids)
    batch.owned_before = {uid: order.customer_id for uid, order in batch.orders.items()}
    if others := set(batch.owned_before.values()) - batch.files.keys():
        if len(await identities.lock(batch.tx, others)) < len(others):
            raise IdentityContended(retry_after_seconds=1)
        batch.files |= await profiles.load(batch.tx, others)


def _fold(batch: Batch, index: int, fact: Fact, customer_id: UUID) -> None:
    data = batch.events[index].data
    if isinstance(data, raw.RawOrderFact):
        _fold_order(batch, index, fact, data, customer_id)
    else:
        see(batch.files[customer_id], fact.at)
        if isinstance(data, raw.RawProfileUpdated):
            file = batch.files[customer_id]
            if changed := write(file, fields_of(data), fact.stamp):
                entry = profile_usecases.announce(batch.tx, file, changed, at=fact.at, cause=batch.events[index])
                batch.entries.append(entry)
        else:
            told = {"name": data.name, "properties": data.properties}
            batch.announce(index, CustomerActivityRecorded(name=data.name), customer_id, told)


def _fold_order(batch: Batch, index: int, fact: Fact, data: raw.RawOrderFact, customer_id: UUID) -> None:
    uid = fact.order_uid
    assert uid is not None
    order = batch.orders.get(uid)
    if order is None:
        order = Order(uid, data.order_source or fact.source, data.order_id, customer_id, is_new=True)
        batch.orders[uid] = order
    spent_before, was_paid = order.spent_minor, order.paid_at is not None
    is_news = fold(order, change_of(fact, data, customer_id))
    batch.changed[uid] = order
    see(batch.files[customer_id], fact.at)
    if order.paid_at is not None:
        file = batch.files[order.customer_id]
        if not was_paid:
            count_order(file, order.paid_at)
        assert order.currency is not None
        if not was_paid or order.spent_minor != spent_before:
            spend(file, order.currency, order.spent_minor - spent_before)
    if is_news:
        told = told_of(order, data)
        batch.announce(index, announcement_of(order, data), order.customer_id, told, order_uid=uid)


async def _save(batch: Batch, gone: set[UUID], at: datetime) -> None:
    """One statement a table. What is told of an order goes to whose it is in the end."""
    tx = batch.tx
    for rows in (batch.facts, batch.entries):
        for row in rows:
            if row.order_uid in batch.changed:
                row.customer_id = batch.changed[row.order_uid].customer_id
    moves = [
        (uid, before, batch.changed[uid].customer_id)
        for uid, before in batch.owned_before.items()
        if uid in batch.changed and batch.changed[uid].customer_id != before
    ]
    if moves:
        await timeline.move_orders(tx, moves)
        await queries.move_orders(tx, moves)
    await profile_usecases.save(tx, [file for id_, file in batch.files.items() if id_ not in gone], at)
    new = [order for order in batch.changed.values() if order.is_new]
    old = [order for order in batch.changed.values() if not order.is_new]
    if old:
        await orders.update(tx, old)
    if new and not await orders.insert(tx, new):
        raise IdentityContended(retry_after_seconds=1)
    if batch.entries:
        await timeline.add(tx, batch.entries)
    if not await queries.insert(tx, batch.facts, at):
        raise IdentityContended(retry_after_seconds=1)
