"""What expiry does inside the transaction it is given, slice by slice; each may run twice and does its work once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from loyalty_svc.accounts.types import ZONE, AccountType
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.expiry import queries
from loyalty_svc.expiry.calendar import AUDITS_AT, WARNS_AT, next_at, next_sweep, warned_until
from loyalty_svc.ledger import queries as ledger_queries
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.audit import Audit, audit
from loyalty_svc.ledger.posting import Balance
from loyalty_svc.ledger.settling import settle
from loyalty_svc.lots import queries as lots
from moat.contracts.loyalty import PointsExpiring
from moat.customers.follow import hold_merges_off
from moat.kit.db.transaction import Transaction
from moat.kit.timers import raise_alarm, set_timers

SWEEP: Final = "points.expire"
WARN: Final = "points.warn"
AUDIT: Final = "ledger.audit"
ONLY: Final = "all"
"""The key of timers that there is one of."""
SLICE_ACCOUNTS: Final = 500
SLICE_LOTS: Final = 2_000
SLICE_WARNINGS: Final = 2_000

log = structlog.get_logger(__name__)


async def keep_going(tx: Transaction, *, now: datetime) -> None:
    """Set the timers that set themselves anew, where one was lost."""
    due = {SWEEP: now, WARN: next_at(WARNS_AT, now), AUDIT: next_at(AUDITS_AT, now)}
    await queries.keep_going(tx, [(kind, ONLY, due_at) for kind, due_at in due.items()])


async def come_of_age(tx: Transaction, *, now: datetime) -> None:
    """Make available what no longer has to wait, in a slice of the accounts; sets a timer for the rest."""
    await hold_merges_off(tx)
    keys = await lots.ripe(tx, now, limit=SLICE_ACCOUNTS)
    await settle(tx, keys, await account_types(tx), now=now)
    if len(keys) == SLICE_ACCOUNTS:
        await set_timers(tx, ledger.COMING_OF_AGE, [(ONLY, now, {})])


async def sweep(tx: Transaction, *, now: datetime) -> None:
    """Expire a slice of what is due, and say when to look again."""
    await hold_merges_off(tx)
    keys, are_more = await lots.due(tx, now, limit=SLICE_LOTS)
    if keys:
        await settle(tx, keys, await account_types(tx), now=now)
    again = now if are_more else next_sweep(now, await lots.next_due(tx, now))
    await set_timers(tx, SWEEP, [(ONLY, again, {})])


async def warn(tx: Transaction, *, now: datetime) -> None:
    """Tell a slice of those whose points expire soon, each day of an account once; says when to look again."""
    await hold_merges_off(tx)
    is_full = False
    types = await account_types(tx)
    for code in types.spendable_codes():
        days = types.at(code, now).warn_days
        if not days:
            continue
        told = await queries.warn(tx, code, now=now, until=warned_until(now, days), limit=SLICE_WARNINGS)
        is_full = is_full or len(told) == SLICE_WARNINGS
        for customer_id, expires_on, amount, expires_at in told:
            data = PointsExpiring(account_type=code, amount=amount, expires_on=expires_on, expires_at=expires_at)
            tx.publish(data, about=customer_id, time=now)
    if not is_full:
        await queries.forget(tx, now.astimezone(ZONE).date() - timedelta(days=1))
    await set_timers(tx, WARN, [(ONLY, now if is_full else next_at(WARNS_AT, now), {})])


async def audit_nightly(tx: Transaction, service: str, *, now: datetime) -> Audit:
    """Recompute the ledger; what does not hold is an alarm that operations see until somebody deals with it."""
    found = await audit(tx, now=now)
    for violation in found.violations:
        text = f"{violation.invariant} is violated {violation.times} times: {list(violation.examples)}"
        log.error("ledger.violated", invariant=violation.invariant, times=violation.times)
        key = f"{ONLY}:{violation.invariant}"
        await raise_alarm(tx, service, AUDIT, key, code="ledger.violated", error=text)
    await set_timers(tx, AUDIT, [(ONLY, next_at(AUDITS_AT, now), {})])
    return found


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its type; expiring: how much expires soon, and the first of it when."""

    type: AccountType
    balance: Balance | None
    expiring: tuple[int, datetime] | None


async def accounts(tx: Transaction, customer_id: UUID, *, now: datetime) -> Sequence[Account]:
    """A customer's accounts in every type there is, those that can be spent from first."""
    types = await account_types(tx)
    held = await ledger_queries.held(tx, {customer_id})
    current = sorted((types.at(code, now) for code in types.versions), key=lambda one: (not one.is_spendable, one.code))
    until = {one.code: warned_until(now, one.warn_days) for one in current if one.is_spendable}
    soon = await queries.expiring(tx, customer_id, until, now=now)
    return [Account(one, held.get((customer_id, one.code)), soon.get(one.code)) for one in current]
