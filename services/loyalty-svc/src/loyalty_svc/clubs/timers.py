"""The time door of clubs: members whose term ends soon or is over, and everybody when a value begins to count."""

from collections.abc import Sequence
from typing import Final

from loyalty_svc.clubs import following, queries
from loyalty_svc.clubs.settling import known, member_of, settle
from loyalty_svc.clubs.tables import DUE, LOOK
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()


async def lock_members(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock the memberships in the order of their keys, as a consumed batch does."""
    await hold_merges_off(tx)
    await queries.lock(tx, [member_of(key) for key in keys])


@timers.on(DUE, lock=lock_members)
async def come_due(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Remind members, or let their memberships lapse."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await settle(tx, await known(tx), {member_of(timer.key): None for timer in due}, now=now)


async def hold_off(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off; which customers a slice has is found out later."""
    await hold_merges_off(tx)


@timers.on(LOOK, lock=hold_off)
async def look_at_everybody(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """The next slice of customers is judged by the values of these clubs."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await following.look(tx, {timer.key: timer.payload for timer in due}, now=now)
