"""The event door of surprises: customers who turn out to be one."""

from loyalty_svc.surprises import usecases
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors keep what both were given."""
    await usecases.follow_merges(tx, batch)
