"""The event door of checkouts: customers who turn out to be one."""

from loyalty_svc.checkout import queries
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_checkouts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Checkouts of merged customers are the survivors', as their holds and coupon uses are."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])
