"""The event door of coupons: requests for a code, and customers who turn out to be one."""

from loyalty_svc.coupons import queries, usecases
from loyalty_svc.coupons.announcing import Wish
from moat.contracts.customers import CustomerMerged, CustomerSplit
from moat.contracts.loyalty import IssueCoupon
from moat.customers import give_back, partings
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.messaging.subscriptions import Batch, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(CustomerMerged)
async def move_codes(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give the survivors the codes of those who were merged away."""
    await queries.move(tx, [(event.data.from_id, event.about) for event in batch])


@subscriptions.on(IssueCoupon)
async def issue_coupons(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Give each customer the code that was asked for, or say why not; a second delivery changes nothing."""
    wishes = [
        Wish(event.about, event.data.coupon, f"request {event.source} {event.id}", event.time, event) for event in batch
    ]
    await usecases.issue(tx, wishes, at=clock.now())


@subscriptions.on(CustomerSplit)
async def give_codes_back(batch: Batch, tx: Transaction, clock: Clock) -> None:
    """Codes that were his before a merge are his again; those given since stay."""
    await give_back(tx, "coupon_code", await partings(tx, batch))
