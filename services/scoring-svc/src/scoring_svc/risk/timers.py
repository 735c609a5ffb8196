"""Time door of risk: one timer a customer, due when his silence crosses the threshold; no job scans everyone."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers
from scoring_svc.risk import queries, usecases

timers: Final = Timers()


async def lock_customers(keys: Sequence[str], tx: Transaction) -> None:
    """Lock the rows first, in id order, as the consumers do."""
    await queries.lock(tx, [UUID(key) for key in keys])


@timers.on(usecases.CROSSING, lock=lock_customers)
async def raise_risks(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Raise the risk of everyone whose crossing has come."""
    await usecases.cross(tx, due, now=clock.now())
