"""The time door of account types: debts from before are written off when a version begins that says so."""

from collections.abc import Sequence
from typing import Final

from loyalty_svc.account_types import usecases
from loyalty_svc.ledger.audit import WRITING_OFF
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def hold_off(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off; whose debts a slice has is found out later."""
    await hold_merges_off(tx)


@timers.on(WRITING_OFF, lock=hold_off)
async def write_off(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """The next slice of debts is written off."""
    for timer in due:
        await usecases.write_off_slice(tx, timer.key, timer.payload, now=max(clock.now(), timer.due_at))
