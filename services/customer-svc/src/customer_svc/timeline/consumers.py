"""Event door of the timeline: everything that the other services tell about customers."""

from typing import Final

from customer_svc.timeline import usecases
from moat.contracts import engagement, loyalty, scoring, tickets
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions: Final = Subscriptions()


@subscriptions.on(*loyalty.EVENTS, *tickets.EVENTS, *scoring.EVENTS, *engagement.EVENTS)
async def keep_what_happened(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Each becomes a timeline entry; a second delivery changes nothing."""
    await usecases.note(tx, batch)
