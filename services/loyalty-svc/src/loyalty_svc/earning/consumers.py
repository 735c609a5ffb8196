"""The event door of earning: paid orders and refunds."""

from loyalty_svc.earning import usecases
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(OrderPaid, OrderRefunded)
async def earn_for_orders(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Credit or take back points for orders; a second delivery changes nothing."""
    await usecases.post_orders(tx, batch)
