"""Event door of risk: the same facts that silence has recorded just before."""

from typing import Final

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from scoring_svc.risk import usecases

subscriptions: Final = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the survivor the risk of both."""
    await usecases.assess_survivors(tx, batch, at=clock.now())


@subscriptions.on(CustomerSplit)
async def follow_splits(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Judge each of two who were one by his own orders."""
    await usecases.assess_parted(tx, batch, at=clock.now())


@subscriptions.on(OrderPaid, OrderRefunded)
async def assess_buyers(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Assess anew whoever bought or got money back."""
    await usecases.assess_buyers(tx, batch, at=clock.now())
