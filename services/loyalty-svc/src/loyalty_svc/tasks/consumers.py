"""The event door of tasks: whatever may count, refunds that undo it, and customers who turn out to be one."""

from loyalty_svc.facts import FACTS
from loyalty_svc.tasks import usecases
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors have done what either did."""
    await usecases.follow_merges(tx, batch, now=clock.now())


@subscriptions.on(CustomerSplit)
async def follow_splits(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Each has done and completed what he had himself, and what he ordered since."""
    await usecases.follow_splits(tx, await partings(tx, batch), now=clock.now())


@subscriptions.on(*FACTS)
async def follow_facts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Count what counts, reward what is completed by it, take back what is completed no more."""
    await usecases.follow_facts(tx, batch, now=clock.now())
