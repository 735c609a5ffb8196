"""The event door of holds: customers who turn out to be one."""

from loyalty_svc.holds import queries
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_holds(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Holds of merged customers are the survivors'; the ledger has moved what they reserve by now."""
    for event in batch:
        if event.data.from_id != event.about:
            await queries.move(tx, event.data.from_id, event.about)
