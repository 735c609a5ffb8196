"""The time door of surprises: draws that begin at their instant, and the next slice of those under way."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loyalty_svc.surprises import giving, queries
from loyalty_svc.surprises.tables import DRAW
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_surprises(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock the surprises whose draws are due, by code."""
    await hold_merges_off(tx)
    await queries.lock_of_draws(tx, [UUID(key) for key in keys])


@timers.on(DRAW, lock=lock_surprises)
async def go_on(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """The next slice of every draw that is due."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await giving.go_on(tx, [UUID(timer.key) for timer in due], now=now)
