"""The time door of occasions: days that have come."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from customer_svc.identity import queries as identities
from customer_svc.occasions import usecases
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_customers(keys: Sequence[str], tx: Transaction) -> None:
    """Keep other writers out of the customers whose days have come, in id order."""
    await identities.lock(tx, [UUID(key) for key in keys])


@timers.on(usecases.OCCASIONS, lock=lock_customers)
async def tell_of_occasions(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Announce what has come due, after an outage all of it."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await usecases.tell(tx, [UUID(timer.key) for timer in due], now)
