"""The time door of tiers: members who fall, are confirmed or warned, and a new plan that judges everybody."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.tiers import publishing, usecases
from loyalty_svc.tiers.tables import DUE, JUDGE_ALL
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_members(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock the accounts that decide, as a consumed batch does."""
    await hold_merges_off(tx)
    await usecases.lock(tx, [UUID(key) for key in keys])


async def hold_off(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off; which members a slice has is found out later."""
    await hold_merges_off(tx)


@timers.on(DUE, lock=lock_members)
async def come_due(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Members fall, are confirmed or warned; what was granted ends."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await usecases.come_due(tx, [UUID(timer.key) for timer in due], now=now)


@timers.on(JUDGE_ALL, lock=hold_off)
async def judge_all(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """The next slice of members is judged by a new plan."""
    for timer in due:
        await publishing.judge_slice(tx, timer.payload, now=max(clock.now(), timer.due_at))
