"""The event door of expiry: customers who turn out to be one."""

from loyalty_svc.expiry import queries
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_warnings(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Who was warned before a merge is not warned of the same day again."""
    for event in batch:
        if event.data.from_id != event.about:
            await queries.move(tx, event.data.from_id, event.about)
