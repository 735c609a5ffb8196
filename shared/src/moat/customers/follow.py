"""Following merges and splits: whatever arrives first, an event lands on whom it is about by now.

An event for a customer who was merged away lands on the survivor, and of one who has parted again his own do. Every
batch takes a lock that merges and splits take alone, before it reads who is whom. So a batch that has read "nobody" has
committed its rows before the merge moves them, and a batch after it reads the new name.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.customers import splits
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.feature import Feature
from moat.kit.messaging.subscriptions import Batch, Subscriptions

LOCK_KEY: Final = 7305004
_SHARE = "SELECT pg_advisory_xact_lock_shared(:key)"
_ALONE = "SELECT pg_advisory_xact_lock(:key)"
_ALIASES = "SELECT from_id, to_id FROM customer_alias WHERE from_id = ANY(CAST(:ids AS uuid[]))"
# Who has become whom and, without another name, whom somebody has parted from.
_WHO = """
SELECT from_id, to_id FROM customer_alias WHERE from_id = ANY(CAST(:ids AS uuid[]))
UNION ALL SELECT DISTINCT survivor_id, NULL::uuid FROM customer_split WHERE survivor_id = ANY(CAST(:ids AS uuid[]))
"""
# For one id: a plan that fits every id, so that none is made anew for each.
_ALIAS = "SELECT to_id FROM customer_alias WHERE from_id = :id"
_KNOW = """
INSERT INTO known_customer (customer_id, created_at, locale, zone)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:locales AS text[]), CAST(:zones AS text[]))
ON CONFLICT (customer_id) DO NOTHING
"""
# Flattened: nobody is an alias of an alias.
_MERGE = """
WITH moved AS (UPDATE customer_alias SET to_id = :to_id WHERE to_id = :from_id)
INSERT INTO customer_alias (from_id, to_id, at) VALUES (:from_id, :to_id, :at)
ON CONFLICT (from_id) DO UPDATE SET to_id = excluded.to_id, at = excluded.at
"""


async def follow_customers(batch: Batch, tx: Transaction) -> Batch:
    """Learn of new customers, merges and splits in the batch, then point all its events at those they are about by now.

    Returns the batch without what has no effect any more: merges that are undone, and splits that are known.
    """
    moves = [event for event in batch if isinstance(event.data, CustomerMerged | CustomerSplit)]
    created = [event for event in batch if isinstance(event.data, CustomerCreated)]
    await tx.execute(_ALONE if moves else _SHARE, key=LOCK_KEY)
    if created:
        await _know(tx, created)
    if moves and (over := await _take(tx, moves)):
        batch = [event for event in batch if id(event) not in over]
    await readdress(tx, batch)
    return batch


async def readdress(tx: Transaction, batch: Batch) -> None:
    """Point events at those they are about by now: survivors of merges, and those who have parted with their orders."""
    ids = {event.subject_id for event in batch if event.subject_id is not None}
    rows = await tx.all(_WHO, ids=list(ids))
    if not rows:
        return
    became = {row.from_id: row.to_id for row in rows if row.to_id is not None}
    if left := {row.from_id for row in rows if row.to_id is None}:
        await _give_orders_back(tx, batch, left)
        became |= await aliases_of(tx, {event.subject_id for event in batch if event.subject_id is not None})
    for event in batch:
        if event.subject_id is not None:
            event.subject_id = became.get(event.subject_id, event.subject_id)


async def _take(tx: Transaction, moves: Sequence[Event[Any]]) -> set[int]:
    """Follow merges and splits in their order; the identities of those that have no effect."""
    undone = await splits.undone(tx, [event.id for event in moves if isinstance(event.data, CustomerMerged)])
    over: set[int] = set()
    for event in moves:
        if isinstance(event.data, CustomerSplit):
            ends = await aliases_of(tx, {event.about, event.data.from_id})
            undone.add(str(event.data.merge_id))
            if not await splits.part(tx, event, ends):
                over.add(id(event))
        elif event.id in undone:
            over.add(id(event))
        else:
            await _merge(tx, event)
    return over


async def _give_orders_back(tx: Transaction, batch: Batch, left: set[UUID]) -> None:
    """What is told of the order of one who has parted is about him, also where it was told before."""
    about_orders = [
        event for event in batch if event.subject_id in left and getattr(event.data, "order_uid", None) is not None
    ]
    owners = await splits.owners(tx, {event.data.order_uid for event in about_orders}) if about_orders else {}
    for event in about_orders:
        seen = {event.about}
        while (owner := owners.get((event.data.order_uid, event.about))) is not None and owner not in seen:
            seen.add(owner)
            event.subject_id = owner


async def aliases_of(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Who of these has become somebody else: merged id → survivor's id."""
    rows = await tx.all(_ALIASES, ids=list(ids))
    return {row.from_id: row.to_id for row in rows}


async def hold_merges_off(tx: Transaction) -> None:
    """Nobody becomes somebody else until the commit; the first thing that work over many customers does."""
    await tx.execute(_SHARE, key=LOCK_KEY)


async def keep_everybody_out(tx: Transaction) -> None:
    """Wait for all batches and commands that follow merges, and keep others waiting until the commit."""
    await tx.execute(_ALONE, key=LOCK_KEY)


async def lock_customer(tx: Transaction, customer_id: UUID) -> UUID:
    """Hold merges off until the commit and return the survivor's id; the first thing a command does."""
    await hold_merges_off(tx)
    survivor: UUID | None = await tx.scalar(_ALIAS, id=customer_id)
    return survivor or customer_id


async def lock_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> list[UUID]:
    """The same for commands that share a transaction: the survivor of each, in their order, perhaps one of several."""
    await hold_merges_off(tx)
    aliases = await aliases_of(tx, set(customer_ids))
    survivors = [aliases.get(id_, id_) for id_ in customer_ids]
    if aliases:
        # Of two who have become one the first leads.
        for id_, survivor in zip(reversed(customer_ids), reversed(survivors), strict=True):
            if id_ in tx.led_by:
                tx.led_by[survivor] = tx.led_by[id_]
    return survivors


async def _know(tx: Transaction, created: Sequence[Event[CustomerCreated]]) -> None:
    await tx.execute(
        _KNOW,
        ids=[event.about for event in created],
        at=[event.time for event in created],
        locales=[event.data.locale for event in created],
        zones=[event.data.zone for event in created],
    )


async def _merge(tx: Transaction, event: Event[CustomerMerged]) -> None:
    from_id = event.data.from_id
    ends = await aliases_of(tx, {event.about})
    to_id = ends.get(event.about, event.about)
    if to_id != from_id:
        await tx.execute(_MERGE, from_id=from_id, to_id=to_id, at=event.time)


subscriptions = Subscriptions()


@subscriptions.on(CustomerCreated, CustomerMerged, CustomerSplit)
async def already_followed(batch: Batch, tx: Transaction, clock: Any) -> None:
    """Nothing left to do: `follow_customers` saw them before any feature. This subscribes the service to them."""


feature = Feature("known_customers", subscriptions=subscriptions)
