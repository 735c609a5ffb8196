"""What silence does with orders and merges, inside the transaction it is given."""

from collections.abc import Iterable
from uuid import UUID

from moat.contracts.customers import CustomerMerged
from moat.contracts.orders import OrderPaid
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.messaging.subscriptions import Batch
from scoring_svc.silence import queries
from scoring_svc.silence.purchases import Payment, Purchase, Refund


async def record_orders(tx: Transaction, batch: Batch) -> None:
    """Fold the batch into one purchase an order and add them to what is known."""
    purchases: dict[UUID, Purchase] = {}
    for event in batch:
        data = event.data
        purchase = purchases.setdefault(data.order_uid, Purchase(data.order_uid, event.about))
        if isinstance(data, OrderPaid):
            purchase.paid(event.about, Payment(event.time, data.currency, data.total_minor))
        else:
            purchase.refunded(data.refund_id, Refund(data.currency, data.amount_minor))
    await queries.record(tx, list(purchases.values()))


async def move_orders(tx: Transaction, merges: Iterable[Event[CustomerMerged]]) -> None:
    """Give the orders of customers who were merged away to the survivors."""
    for event in merges:
        if event.data.from_id != event.about:
            await queries.move(tx, event.data.from_id, event.about)
