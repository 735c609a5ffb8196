"""The event door of earning: paid orders and refunds, whatever else earns, and customers who turn out to be one."""

from loyalty_svc.earning import queries, usecases
from loyalty_svc.facts import ORDERS, OTHERS
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What was counted and noted of a merged customer is the survivor's."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])


@subscriptions.on(CustomerSplit)
async def follow_splits(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Orders of who has parted again are his, so what is returned of them is taken from him."""
    await queries.part(tx, await partings(tx, batch))


@subscriptions.on(*ORDERS)
async def earn_for_orders(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Credit or take back points for orders; a second delivery changes nothing."""
    await usecases.post_orders(tx, batch, now=clock.now())


@subscriptions.on(*OTHERS)
async def earn_for_events(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Credit points for whatever else the rules reward."""
    await usecases.post_events(tx, batch, now=clock.now())
