"""The event door of coupon uses: customers who turn out to be one."""

from loyalty_svc.coupon_uses import queries
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import give_back, partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_uses(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the survivors the uses, and the counts against their limits, of those who were merged away."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])


@subscriptions.on(CustomerSplit)
async def give_uses_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Uses that were his are his again, and limits count what each has; what is reserved stays with the survivor."""
    splits = await partings(tx, batch)
    await give_back(tx, "coupon_use", splits, where="state <> 'reserved'")
    if splits:
        await queries.count_anew(tx, {id_ for one in splits for id_ in (one.survivor_id, one.customer_id)})
