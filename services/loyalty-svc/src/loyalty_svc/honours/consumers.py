"""The event door of honours: what may make a rule true for a member, and customers who turn out to be one."""

from loyalty_svc.facts import FACTS
from loyalty_svc.honours import usecases
from moat.contracts.customers import CustomerMerged, CustomerOccasionReached
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors hold what either held."""
    await usecases.follow_merges(tx, batch, now=clock.now())


@subscriptions.on(*FACTS, CustomerOccasionReached)
async def follow_facts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Honour those whom a rule honours by now; the features before have counted what happened."""
    await usecases.follow_facts(tx, batch, now=clock.now())
