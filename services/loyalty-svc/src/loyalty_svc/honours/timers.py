"""The time door of honours: everybody is judged when a rule is published, and every night."""

from collections.abc import Sequence
from typing import Final

from loyalty_svc.honours import usecases
from loyalty_svc.honours.tables import LOOK
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def hold_off(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off; which members a slice has is found out later."""
    await hold_merges_off(tx)


@timers.on(LOOK, lock=hold_off)
async def look_at_everybody(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """The next slice of members is judged by the rules."""
    for timer in due:
        await usecases.look(tx, timer.payload, now=max(clock.now(), timer.due_at))
