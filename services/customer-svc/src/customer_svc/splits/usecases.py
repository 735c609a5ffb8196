"""Undoing a merge, inside the transaction it is given: what would move, and moving it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from customer_svc.consents import queries as consents
from customer_svc.identity import queries as identities
from customer_svc.identity import usecases as identity
from customer_svc.profiles import queries as profiles
from customer_svc.profiles import usecases as profile_usecases
from customer_svc.splits import queries
from customer_svc.splits.problems import AlreadySplit, MergedOn, NeverMerged, TooManyOrders
from customer_svc.splits.restoring import Before, parted_file, restore, restored_consents
from customer_svc.timeline import queries as timeline
from customer_svc.timeline.entries import Entry, as_json, kind_of
from moat.contracts.customers import CustomerSplit
from moat.customers.access import UnknownCustomer
from moat.customers.follow import keep_everybody_out
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.ids import instant_of, uuid7

ORDERS_MAX: Final = 10_000
"""Orders that one split can give back: one event names them all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a split moves: from the survivor `into_id` to `from_id`, and to those who had become him (`former_ids`)."""

    into_id: UUID
    from_id: UUID
    merge_id: UUID
    merged_at: datetime
    former_ids: Sequence[UUID]
    before: Before
    identifiers: Sequence[Row[Any]]
    orders: Sequence[Row[Any]]

    @property
    def origins(self) -> list[UUID]:
        """Whose it was that goes with him."""
        return [self.from_id, *self.former_ids]


async def foresee(tx: Transaction, into_id: UUID, from_id: UUID) -> Plan:
    """What undoing the merge of `from_id` into `into_id` would move.

    Raises NeverMerged, MergedOn, AlreadySplit or TooManyOrders.
    """
    row = await queries.merge_of(tx, from_id)
    if row is None:
        raise AlreadySplit if await queries.was_split(tx, from_id, into_id) else NeverMerged
    if row.into_id != into_id:
        if (await identities.aliases(tx, [from_id])).get(from_id) != into_id:
            raise NeverMerged
        raise MergedOn(merged_into=str(row.into_id))
    before = Before.of(row.before)
    formers = await queries.formers(tx, from_id)
    origins = [from_id, *formers]
    orders = await queries.orders(
        tx, into_id, origins, keeps_origins=row.keeps_origins, then=before.orders, limit=ORDERS_MAX + 1
    )
    if len(orders) > ORDERS_MAX:
        raise TooManyOrders(orders_max=ORDERS_MAX)
    names = await queries.identifiers(tx, into_id, origins, before.identifiers)
    return Plan(into_id, from_id, row.merge_id, row.at, formers, before, names, orders)


async def split(tx: Transaction, into_id: UUID, from_id: UUID, *, by: str, at: datetime) -> Plan:
    """Make two customers of one again, and tell the other services; what moved. Raises as `foresee`, UnknownCustomer.

    Everybody else is kept out first: a batch that has read whose an identifier is has committed by then.
    """
    await keep_everybody_out(tx)
    if await identity.lock_one(tx, into_id) != into_id:
        raise UnknownCustomer
    plan = await foresee(tx, into_id, from_id)
    seen_at = instant_of(from_id) or plan.merged_at
    await identities.create(tx, [from_id], seen_at)
    uids = [row.order_uid for row in plan.orders]
    await queries.move(tx, from_id, into_id, plan.origins, plan.identifiers, uids)
    await _part_consents(tx, plan)
    await _part_files(tx, plan, seen_at, at)
    kept = await identities.apart(tx, [into_id])
    others = [two if one == into_id else one for one, two in kept]
    await identities.keep_apart(tx, [(from_id, into_id), *((from_id, other) for other in others)])
    await queries.record(tx, from_id, plan.merge_id, by=by, at=at)
    await _tell(tx, plan, at)
    detail = {"from_id": str(from_id), "merge_id": str(plan.merge_id), "orders": len(uids)}
    await audit.record(tx, at=at, actor=by, action="customer.split", subject=f"customer/{into_id}", detail=detail)
    return plan


async def _part_consents(tx: Transaction, plan: Plan) -> None:
    now = [dict(row._mapping) for row in await consents.of(tx, [plan.into_id])]
    written, dropped = restored_consents(plan.before, now)
    await queries.write_consents(tx, plan.from_id, plan.before.consents)
    await queries.write_consents(tx, plan.into_id, written)
    await queries.drop_consents(tx, plan.into_id, dropped)


async def _part_files(tx: Transaction, plan: Plan, seen_at: datetime, at: datetime) -> None:
    figures = await queries.figures(tx, [plan.from_id, plan.into_id])
    file = (await profiles.load(tx, [plan.into_id]))[plan.into_id]
    restored = restore(file, plan.before, figures[plan.into_id])
    his = parted_file(plan.from_id, plan.before, figures[plan.from_id], seen_at)
    await profile_usecases.save(tx, [file, his], at)
    if restored:
        await timeline.add(tx, [profile_usecases.announce(tx, file, restored, at=at)])


async def _tell(tx: Transaction, plan: Plan, at: datetime) -> None:
    data = CustomerSplit(
        from_id=plan.from_id,
        merge_id=plan.merge_id,
        former_ids=tuple(plan.former_ids),
        order_uids=tuple(row.order_uid for row in plan.orders if row.is_paid),
    )
    id_ = tx.publish(data, about=plan.into_id, time=at)
    kind = kind_of(data.TYPE)
    told = as_json({"from_id": str(plan.from_id), "into_id": str(plan.into_id)})
    entries = [
        Entry(id_, plan.into_id, at, kind, str(id_), data=told),
        Entry(uuid7(), plan.from_id, at, kind, str(id_), data=told),
    ]
    await timeline.add(tx, entries)
