"""The event door of rewards: customers who turn out to be one."""

from loyalty_svc.rewards import queries
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import give_back, partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_redemptions(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the survivors the redemptions of those who were merged away; they count against the survivors' limits."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])


@subscriptions.on(CustomerSplit)
async def give_redemptions_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Redemptions that were his are his again; what is reserved stays with the survivor, as its hold does."""
    await give_back(tx, "reward_redemption", await partings(tx, batch), where="state <> 'reserved'")
