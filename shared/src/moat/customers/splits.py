"""Splits: a customer who was merged away is himself again, and what says whose it was goes back to him.

What a split undoes is named by the id of the merge's event. So that merge, should it come again, changes nothing, and a
later merge of the same two does. An order that went back is known for good: events from before the split that name the
survivor are about him who has parted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from moat.contracts.customers import CustomerSplit
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.messaging.subscriptions import Batch

_UNDONE = "SELECT merge_id FROM customer_split WHERE merge_id = ANY(CAST(:ids AS text[]))"
_PART = """
INSERT INTO customer_split (merge_id, from_id, survivor_id, origins, at)
VALUES (:merge_id, :from_id, :survivor_id, '{}', :at) ON CONFLICT (merge_id) DO NOTHING RETURNING merge_id
"""
_KEEP_ORDERS = """
INSERT INTO parted_order (order_uid, survivor_id, customer_id)
SELECT DISTINCT uid, CAST(:survivor_id AS uuid), CAST(:from_id AS uuid) FROM unnest(CAST(:order_uids AS uuid[])) AS uid
ON CONFLICT (order_uid, survivor_id) DO UPDATE SET customer_id = excluded.customer_id
"""
# Who was merged elsewhere since stays where he is.
_FREE = "DELETE FROM customer_alias WHERE from_id = :from_id AND to_id = :survivor_id"
_TAKE_ALONG = """
UPDATE customer_alias SET to_id = :to_id WHERE from_id = ANY(CAST(:former_ids AS uuid[])) AND to_id = :survivor_id
RETURNING from_id
"""
_ORIGINS = "UPDATE customer_split SET origins = CAST(:origins AS uuid[]) WHERE merge_id = :merge_id"
_PARTINGS = """
SELECT s.merge_id, coalesce(a.to_id, s.from_id) AS customer_id, s.from_id, s.origins
FROM customer_split s LEFT JOIN customer_alias a ON a.from_id = s.from_id
WHERE s.merge_id = ANY(CAST(:ids AS text[]))
"""
_OWNERS = """
SELECT order_uid, survivor_id, customer_id FROM parted_order WHERE order_uid = ANY(CAST(:order_uids AS uuid[]))
"""


class Parting(NamedTuple):
    """What one split takes from whom to whom, in this service.

    survivor_id: who has it now. customer_id: who gets it, `from_id` or whom he has become since. origins: whose it was,
    `from_id` and those who had become him. order_uids: his paid orders.
    """

    survivor_id: UUID
    customer_id: UUID
    from_id: UUID
    origins: Sequence[UUID]
    order_uids: Sequence[UUID]
    event: Event[CustomerSplit]


async def undone(tx: Transaction, event_ids: Sequence[str]) -> set[str]:
    """Which of these merges were undone."""
    if not event_ids:
        return set()
    return {row.merge_id for row in await tx.all(_UNDONE, ids=list(event_ids))}


async def part(tx: Transaction, event: Event[CustomerSplit], aliases: Mapping[UUID, UUID]) -> bool:
    """Let a customer be himself again; False when that is known.

    aliases: who the two are by now, where they have become somebody else. The caller keeps everybody else out. Where he
    was merged elsewhere meanwhile he stays there, and where nobody had heard of the merge there is nothing to move.
    """
    data, merge_id = event.data, str(event.data.merge_id)
    known = await tx.first(_PART, merge_id=merge_id, from_id=data.from_id, survivor_id=event.about, at=event.time)
    if known is None:
        return False
    await tx.execute(_KEEP_ORDERS, survivor_id=event.about, from_id=data.from_id, order_uids=list(data.order_uids))
    survivor_id = aliases.get(event.about, event.about)
    freed = await tx.execute(_FREE, from_id=data.from_id, survivor_id=survivor_id)
    to_id = data.from_id if freed.rowcount else aliases.get(data.from_id, data.from_id)
    came_along = await tx.all(_TAKE_ALONG, former_ids=list(data.former_ids), survivor_id=survivor_id, to_id=to_id)
    origins = [data.from_id, *(row.from_id for row in came_along)]
    await tx.execute(_ORIGINS, merge_id=merge_id, origins=origins)
    return True


async def owners(tx: Transaction, order_uids: Iterable[UUID]) -> dict[tuple[UUID, UUID], UUID]:
    """Whose orders are that went back: (order, of whom it was told) → who has parted from him with it."""
    rows: Sequence[Any] = await tx.all(_OWNERS, order_uids=list(order_uids))
    return {(row.order_uid, row.survivor_id): row.customer_id for row in rows}


async def partings(tx: Transaction, batch: Batch) -> list[Parting]:
    """The splits of a batch as they are to be followed, in its order; merges in it have been followed by now."""
    rows = await tx.all(_PARTINGS, ids=[str(event.data.merge_id) for event in batch])
    found = {row.merge_id: row for row in rows}
    out = []
    for event in batch:
        row = found[str(event.data.merge_id)]
        if row.customer_id != event.about:
            out.append(
                Parting(event.about, row.customer_id, row.from_id, row.origins, list(event.data.order_uids), event)
            )
    return out


async def give_back(tx: Transaction, table: str, splits: Sequence[Parting], *, where: str = "true") -> None:
    """Rows of a table whose `origin_id` says that they were his are his again, as far as they fulfil a condition."""
    for one in splits:
        await tx.execute(
            f"UPDATE {table} SET customer_id = :customer_id, origin_id = nullif(origin_id, CAST(:customer_id AS uuid))"  # noqa: S608
            f" WHERE customer_id = :survivor_id AND origin_id = ANY(CAST(:origins AS uuid[])) AND {where}",
            customer_id=one.customer_id,
            survivor_id=one.survivor_id,
            origins=list(one.origins),
        )
