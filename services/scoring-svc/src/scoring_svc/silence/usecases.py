"""What silence does with orders, merges and splits, inside the transaction it is given."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.orders import OrderPaid
from moat.customers import partings
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


async def give_orders_back(tx: Transaction, splits: Sequence[Event[CustomerSplit]]) -> None:
    """Give the orders of customers who have parted again to them."""
    for one in await partings(tx, splits):
        await queries.give_back(tx, one.order_uids, one.survivor_id, one.customer_id)
