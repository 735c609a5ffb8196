"""What becomes of the occasions for a message, inside the transaction it is given."""

from collections.abc import Sequence
from datetime import datetime

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.engagement import MessageDelivered
from moat.customers import partings
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from notify_svc.messages import queries
from notify_svc.messages.planning import Occasion, Planned, plan
from notify_svc.templates import queries as templates


async def write_to_customers(tx: Transaction, occasions: Sequence[Occasion], *, at: datetime) -> None:
    """Plan, keep and announce the messages of a batch; an occasion that was seen before changes nothing."""
    planned = plan(occasions, at=at)
    if not planned:
        return
    published = await templates.published(tx, {message.occasion.kind.template for message in planned})
    kept = await queries.insert(
        tx,
        [message for message in planned if message.occasion.kind.template in published],
        {code: template.version for code, template in published.items()},
        at=at,
    )
    for message in planned:
        if message.id in kept:
            _announce(tx, message, at)


async def follow_merges(tx: Transaction, merges: Sequence[Event[CustomerMerged]]) -> None:
    """The messages of who was merged away are the survivor's."""
    for event in merges:
        if event.data.from_id != event.about:
            await queries.move(tx, from_id=event.data.from_id, to_id=event.about)


async def follow_splits(tx: Transaction, splits: Sequence[Event[CustomerSplit]]) -> None:
    """The messages of who has parted again, and about his orders, are his."""
    for one in await partings(tx, splits):
        await queries.give_back(
            tx, from_id=one.survivor_id, to_id=one.customer_id, origins=one.origins, orders=one.order_uids
        )


def _announce(tx: Transaction, message: Planned, at: datetime) -> None:
    """Tell of what is in the inbox. What was refused as stale is kept and told to nobody (ADR 0005)."""
    if message.status == "delivered":
        occasion = message.occasion
        fact = MessageDelivered(message_id=message.id, template=occasion.kind.template, channel=message.channel)
        tx.publish(fact, about=occasion.customer_id, time=at, cause=occasion.event)
