"""The time door of expiry: points come of age and expire, people are warned, the ledger is audited."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prometheus_client import Gauge

from loyalty_svc.expiry import usecases
from loyalty_svc.ledger.audit import INVARIANTS
from loyalty_svc.ledger.usecases import COMING_OF_AGE
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.telemetry.metrics import metric
from moat.kit.timers import DueTimer, Timers

timers: Final = Timers()
SERVICE: Final = "loyalty-svc"
_VIOLATIONS = "moat_loyalty_ledger_violations"


def _now(due: Sequence[DueTimer], clock: Clock) -> datetime:
    return max(clock.now(), *(timer.due_at for timer in due))


@timers.on(COMING_OF_AGE)
async def come_of_age(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Make available what has waited long enough."""
    await usecases.come_of_age(tx, now=_now(due, clock))


@timers.on(usecases.SWEEP)
async def expire(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Expire what nobody has spent in time."""
    await usecases.sweep(tx, now=_now(due, clock))


@timers.on(usecases.WARN)
async def warn(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Tell people what is about to expire."""
    await usecases.warn(tx, now=_now(due, clock))


@timers.on(usecases.AUDIT)
async def audit_nightly(due: Sequence[DueTimer], tx: Transaction, clock: Clock) -> None:
    """Recompute the ledger every night, and raise an alarm for what does not hold."""
    found = await usecases.audit_nightly(tx, SERVICE, now=_now(due, clock))
    gauge = metric(Gauge, _VIOLATIONS, "Places where an invariant of the ledger did not hold.", ("invariant",))
    times = {violation.invariant: violation.times for violation in found.violations}
    for invariant in INVARIANTS:
        gauge.labels(invariant).set(times.get(invariant, 0))
