"""The event door of tiers: customers who turn out to be one, or two again.

Growth itself arrives through `earning`.
"""

from loyalty_svc.tiers import joining
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.customers import partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def judge_survivors(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give survivors the tier of what they hold together; the ledger has moved it by now."""
    await joining.follow_merges(tx, batch)


@subscriptions.on(CustomerSplit)
async def judge_parted(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give both the tier of what each holds; the ledger has parted it by now."""
    await joining.follow_splits(tx, await partings(tx, batch))
