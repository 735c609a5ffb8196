"""The event door: what happened to customers and deserves a message."""

from typing import Any, Final

from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.loyalty import TierUpgraded
from moat.contracts.orders import OrderPaid
from moat.contracts.scoring import RiskRaised
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event, EventData
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from notify_svc.messages import usecases
from notify_svc.messages.planning import Occasion
from notify_svc.policy.decisions import CARE, CONGRATULATIONS, RECEIPT, Kind

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def follow_merges(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Move the messages of merged customers."""
    await usecases.follow_merges(tx, batch)


@subscriptions.on(CustomerSplit)
async def follow_splits(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give messages back to customers who have parted again."""
    await usecases.follow_splits(tx, batch)


@subscriptions.on(OrderPaid, RiskRaised, TierUpgraded)
async def write_to_customers(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Receipts, care and congratulations; a second delivery changes nothing."""
    await usecases.write_to_customers(tx, [occasion_of(event) for event in batch], at=clock.now())


def occasion_of(event: Event[Any]) -> Occasion:
    """What an event is an occasion for; an order is thanked for once, anything else once for each event."""
    data: EventData = event.data
    subject_key = str(data.order_uid) if isinstance(data, OrderPaid) else f"{event.source}#{event.id}"
    return Occasion(
        kind=_KINDS[type(data)],
        customer_id=event.about,
        subject_key=subject_key,
        happened_at=event.time,
        cause={
            "event_id": event.id,
            "source": event.source,
            "type": event.type,
            "correlation_id": event.correlation_id,
            "traceparent": event.traceparent,
        },
        values=_values(data),
        event=event,
    )


_KINDS: Final[dict[type[EventData], Kind]] = {OrderPaid: RECEIPT, RiskRaised: CARE, TierUpgraded: CONGRATULATIONS}


def _values(data: EventData) -> dict[str, Any]:
    if isinstance(data, OrderPaid):
        return {"order_id": data.order_id, "total_minor": data.total_minor, "currency": data.currency}
    if isinstance(data, TierUpgraded):
        return {"tier": data.to_tier, "from_tier": data.from_tier}
    return {}
