"""Time door of coupon uses: what was reserved and not paid for comes back, at its instant."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.coupon_uses import queries, usecases
from loyalty_svc.coupon_uses.tables import RELEASE
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_uses(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock the uses in id order, as redemptions do."""
    await hold_merges_off(tx)
    await queries.lock_uses(tx, [UUID(key) for key in keys])


@timers.on(RELEASE, lock=lock_uses)
async def release_codes(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Give back the codes of reservations whose time is over."""
    await usecases.time_out(tx, {UUID(timer.key): timer.due_at for timer in due}, now=clock.now())
