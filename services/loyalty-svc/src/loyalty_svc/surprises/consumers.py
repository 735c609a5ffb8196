"""The event door of surprises: customers who turn out to be one."""

from loyalty_svc.surprises import usecases
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import give_back, partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors keep what both were given."""
    await usecases.follow_merges(tx, batch)


@subscriptions.on(CustomerSplit)
async def give_surprises_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What he was given before a merge is his again; how long he is left alone stays."""
    await give_back(tx, "surprise_gift", await partings(tx, batch))
