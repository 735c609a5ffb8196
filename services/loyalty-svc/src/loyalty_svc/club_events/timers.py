"""The time door of club events: members who are back, and have waited for a place that is free."""

from collections.abc import Sequence
from typing import Final

from loyalty_svc.club_events import usecases
from loyalty_svc.clubs.settling import member_of
from loyalty_svc.clubs.tables import BACK
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def hold_off(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off; which events they wait for is found out later."""
    await hold_merges_off(tx)


@timers.on(BACK, lock=hold_off)
async def seat_members(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Free places go to those who waited for them and are members again."""
    await usecases.seat(tx, [member_of(timer.key) for timer in due], now=clock.now())
