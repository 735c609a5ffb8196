"""Event door of tickets: merges and splits of customers."""

from typing import Final

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from ticket_svc.tickets import usecases

subscriptions: Final = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Move tickets to the survivors, one merge after the other, since one may build on another."""
    for merge in batch:
        await usecases.follow_merge(tx, merge, at=clock.now())


@subscriptions.on(CustomerSplit)
async def follow_splits(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the tickets that were theirs back to customers who have parted again."""
    await usecases.follow_splits(tx, batch)
