"""The event door of referrals: friends who buy or return, customers who turn out to be one, or may be."""

from loyalty_svc.referrals import usecases
from moat.contracts.customers import CustomerMerged, CustomerMergeProposed
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Codes and referrals go to the survivors; who brought himself gets nothing for it."""
    await usecases.follow_merges(tx, batch, now=clock.now())


@subscriptions.on(CustomerMergeProposed)
async def suspect(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Nobody is rewarded for bringing somebody with whom he shares an identifier."""
    await usecases.suspect(tx, batch, now=clock.now())


@subscriptions.on(OrderPaid, OrderRefunded)
async def follow_orders(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """A friend's order converts his referral; what he returns undoes that."""
    await usecases.follow_orders(tx, batch, now=clock.now())
