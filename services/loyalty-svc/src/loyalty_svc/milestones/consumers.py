"""The event door of milestones: days that come round, orders that add up, customers who turn out to be one."""

from loyalty_svc.milestones import queries, usecases
from moat.contracts.customers import CustomerMerged, CustomerOccasionReached, CustomerSplit
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.customers import partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors have reached what either had."""
    await usecases.follow_merges(tx, batch, now=clock.now())


@subscriptions.on(CustomerSplit)
async def give_back_seconds(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What he was given before a merge, as the survivor was too, is his again."""
    await queries.part(tx, await partings(tx, batch))


@subscriptions.on(CustomerOccasionReached)
async def celebrate(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Birthday and anniversary gifts; a second announcement of the same day gives nothing."""
    await usecases.celebrate(tx, batch, now=clock.now())


@subscriptions.on(OrderPaid, OrderRefunded)
async def follow_orders(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Gifts for the nth order and for an amount, taken back when refunds undo what they were for."""
    await usecases.follow_orders(tx, batch, now=clock.now())
