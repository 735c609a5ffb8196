"""The event door of grants."""

from loyalty_svc.grants import usecases
from moat.contracts.loyalty import GrantPoints
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(GrantPoints)
async def grant_points(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give each customer the points that were asked for, or say why not."""
    await usecases.grant(tx, batch, clock)
