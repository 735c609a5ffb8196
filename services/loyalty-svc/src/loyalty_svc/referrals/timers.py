"""The time door of referrals: rewards whose time has come, and friends who did not buy."""

from collections.abc import Sequence
from uuid import UUID

from loyalty_svc.referrals import queries, usecases
from loyalty_svc.referrals.settling import REFERRAL
from moat.customers.follow import hold_merges_off
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.timers import DueTimer, Timers

timers = Timers()


async def lock_referrals(keys: Sequence[str], tx: Transaction) -> None:
    """Hold merges off, then lock accounts and referrals, as a consumed batch does: earning comes before referrals."""
    await hold_merges_off(tx)
    await queries.lock(tx, [UUID(key) for key in keys])


@timers.on(REFERRAL, lock=lock_referrals)
async def come_due(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Reward both, or give the referral up."""
    now = max(clock.now(), *(timer.due_at for timer in due))
    await usecases.come_due(tx, [UUID(timer.key) for timer in due], now=now)
