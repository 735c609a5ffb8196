"""Time door of rewards: what was reserved and not confirmed goes back to the shelf, at its instant."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.rewards import queries, usecases
from loyalty_svc.rewards.tables import RELEASE
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_redemptions(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock the redemptions in id order, as confirmations do."""
    await hold_merges_off(tx)
    await queries.lock(tx, [UUID(key) for key in keys])


@timers.on(RELEASE, lock=lock_redemptions)
async def end_reservations(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """End the reservations whose time is over."""
    await usecases.time_out(tx, {UUID(timer.key): timer.due_at for timer in due}, now=clock.now())
