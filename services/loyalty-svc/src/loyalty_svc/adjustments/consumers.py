"""The event door of adjustments: customers who turn out to be one."""

from loyalty_svc.adjustments import queries
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import give_back, partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_adjustments(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What was asked for a merged customer is asked for the survivor."""
    for event in batch:
        if event.data.from_id != event.about:
            await queries.move(tx, event.data.from_id, event.about)


@subscriptions.on(CustomerSplit)
async def give_adjustments_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What was asked for him before a merge is asked for him again."""
    await give_back(tx, "adjustment", await partings(tx, batch))
