"""The event door of the ledger: customers who turn out to be one, and those who part again."""

from loyalty_svc.ledger import splitting, usecases
from loyalty_svc.ledger.usecases import Merge
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_accounts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Move what merged customers hold to the survivors; a second delivery finds nothing to move."""
    merges = [Merge(event.data.from_id, event.about, event.time, event.id) for event in batch]
    await usecases.move_merged(tx, merges, now=clock.now())


@subscriptions.on(CustomerSplit)
async def part_accounts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give customers who have parted again what they earned; a second delivery finds the split known."""
    await splitting.part_accounts(tx, await partings(tx, batch), now=clock.now())
