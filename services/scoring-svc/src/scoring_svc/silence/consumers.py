"""Event door of silence: payments, refunds, merges and splits."""

from typing import Final

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from scoring_svc.silence import usecases

subscriptions: Final = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_purchases(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Follow merges before anything new is recorded."""
    await usecases.move_orders(tx, batch)


@subscriptions.on(CustomerSplit)
async def give_purchases_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Follow splits: the orders of who has parted again are his."""
    await usecases.give_orders_back(tx, batch)


@subscriptions.on(OrderPaid, OrderRefunded)
async def record_purchases(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Record what was bought and given back; a second delivery changes nothing."""
    await usecases.record_orders(tx, batch)
