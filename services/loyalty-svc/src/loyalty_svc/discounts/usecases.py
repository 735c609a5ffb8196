"""What discounts do inside the transaction they are given: look up shares, where a condition asks for them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from loyalty_svc.discounts import queries
from loyalty_svc.discounts.share import LOOKS_BACK
from moat.kit.db.transaction import Transaction

Asked = tuple[UUID, datetime]


async def shares(tx: Transaction, asked: Collection[Asked]) -> dict[Asked, int]:
    """For each customer and instant the percent of his orders of the year before that were bought with a coupon.

    One statement for all of them. Who had no order is missing. Customers are those that merges ended in.
    """
    found = await queries.shares(tx, asked, days=LOOKS_BACK.days)
    return {key: share.percent for key, share in found.items()}


async def share(tx: Transaction, customer_id: UUID, at: datetime) -> int | None:
    """The same of one customer; None without an order."""
    return (await shares(tx, [(customer_id, at)])).get((customer_id, at))
