"""The event door of clubs: orders that pay for a term, whatever brings growth, and customers who turn out to be one."""

from loyalty_svc.clubs import following
from loyalty_svc.facts import FACTS
from moat.contracts.customers import CustomerMerged
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """The survivors are in what either was in."""
    await following.follow_merges(tx, batch, now=clock.now())


@subscriptions.on(*FACTS)
async def follow_facts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Take in and renew who paid or reached a value, let go whose order was given back."""
    await following.follow_facts(tx, batch, now=clock.now())
