"""The time door of holds: one timer each, due when nobody may confirm it any more."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.holds import usecases
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_holds(keys: Sequence[str], tx: Transaction) -> None:
    """Lock the holds first, in id order, as whoever confirms one does."""
    await usecases.lock(tx, [UUID(key) for key in keys])


@timers.on(usecases.TIME_OUT, lock=lock_holds)
async def give_back(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Give back what nobody confirmed in time."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await usecases.time_out(tx, [UUID(timer.key) for timer in due], now=now)
