"""Event door of the intake: raw facts from every shop and system, by the gateway or straight on the topic."""

from typing import Final

from customer_svc.intake import usecases
from moat.contracts import intake
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions: Final = Subscriptions()


@subscriptions.on(*intake.EVENTS)
async def take_facts(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Find the customer of each fact, record it once, announce it; a second delivery changes nothing."""
    await usecases.take(tx, batch, at=clock.now())
