"""The event door of earning: paid orders and refunds, whatever else earns, and customers who turn out to be one."""

from loyalty_svc.earning import queries, usecases
from moat.contracts.customers import (
    CustomerActivityRecorded,
    CustomerConsentChanged,
    CustomerCreated,
    CustomerIdentified,
    CustomerMerged,
    CustomerProfileUpdated,
)
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.contracts.tickets import TicketClosed, TicketSolved
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """What was counted and noted of a merged customer is the survivor's."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])


@subscriptions.on(OrderPaid, OrderRefunded)
async def earn_for_orders(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Credit or take back points for orders; a second delivery changes nothing."""
    await usecases.post_orders(tx, batch, now=clock.now())


@subscriptions.on(
    CustomerCreated,
    CustomerIdentified,
    CustomerProfileUpdated,
    CustomerConsentChanged,
    CustomerActivityRecorded,
    TicketSolved,
    TicketClosed,
)
async def earn_for_events(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Credit points for whatever else the rules reward."""
    await usecases.post_events(tx, batch, now=clock.now())
