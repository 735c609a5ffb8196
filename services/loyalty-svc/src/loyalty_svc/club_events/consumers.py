"""The event door of club events: customers who turn out to be one."""

from loyalty_svc.club_events import usecases
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the survivors the places of those who were merged away."""
    await usecases.follow_merges(tx, batch, now=clock.now())
