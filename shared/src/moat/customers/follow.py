"""Following merges: whatever arrives first, an event for a customer who was merged away lands on the survivor.

Every batch takes a lock that merges take alone, before it reads who has become whom. So a batch that has read "nobody"
has committed its rows before the merge moves them, and a batch after it reads the new name.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from moat.contracts.customers import CustomerCreated, CustomerMerged
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.feature import Feature
from moat.kit.messaging.subscriptions import Batch, Subscriptions

LOCK_KEY: Final = 7305004
_SHARE = "SELECT pg_advisory_xact_lock_shared(:key)"
_ALONE = "SELECT pg_advisory_xact_lock(:key)"
_ALIASES = "SELECT from_id, to_id FROM customer_alias WHERE from_id = ANY(CAST(:ids AS uuid[]))"
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


async def follow_customers(batch: Batch, tx: Transaction) -> None:
    """Learn of new customers and merges in the batch, then point all its events at the survivors."""
    merges = [event for event in batch if isinstance(event.data, CustomerMerged)]
    created = [event for event in batch if isinstance(event.data, CustomerCreated)]
    await tx.execute(_ALONE if merges else _SHARE, key=LOCK_KEY)
    if created:
        await _know(tx, created)
    for event in merges:
        await _merge(tx, event)
    ids = {event.subject_id for event in batch if event.subject_id is not None}
    survivors = await aliases_of(tx, ids)
    if survivors:
        for event in batch:
            if event.subject_id is not None:
                event.subject_id = survivors.get(event.subject_id, event.subject_id)


async def aliases_of(tx: Transaction, ids: set[UUID]) -> dict[UUID, UUID]:
    """Who of these has become somebody else: merged id → survivor's id."""
    rows = await tx.all(_ALIASES, ids=list(ids))
    return {row.from_id: row.to_id for row in rows}


async def hold_merges_off(tx: Transaction) -> None:
    """Nobody becomes somebody else until the commit; the first thing that work over many customers does."""
    await tx.execute(_SHARE, key=LOCK_KEY)


async def lock_customer(tx: Transaction, customer_id: UUID) -> UUID:
    """Hold merges off until the commit and return the survivor's id; the first thing a command does."""
    await hold_merges_off(tx)
    survivor: UUID | None = await tx.scalar(_ALIAS, id=customer_id)
    return survivor or customer_id


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


@subscriptions.on(CustomerCreated, CustomerMerged)
async def already_followed(batch: Batch, tx: Transaction, clock: Any) -> None:
    """Nothing left to do: `follow_customers` saw them before any feature. This subscribes the service to them."""


feature = Feature("known_customers", subscriptions=subscriptions)
