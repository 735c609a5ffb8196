"""Time door of coupons: the next slice of a pool. What was made is counted in its transaction, so a restart goes on."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.coupons import queries, usecases
from loyalty_svc.coupons.tables import MAKE
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_pools(keys: Sequence[str], tx: Transaction) -> None:
    """Lock the pools first, in id order, as imports do."""
    await queries.lock_pools(tx, [UUID(key) for key in keys])


@timers.on(MAKE, lock=lock_pools)
async def make_codes(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Make the next codes of every pool that has some missing."""
    await usecases.make_slices(tx, [UUID(timer.key) for timer in due], at=clock.now())
