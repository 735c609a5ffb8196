"""Firing what has fallen due, once, in every worker replica.

One transaction a batch: an advisory lock per kind; the due keys are read without locks; the handler's state is locked
in id order; only then the timers are taken, so that a consumer, which goes state first and timer second, never
deadlocks with us; then the handler decides, with the outbox in the same transaction.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

import structlog

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.feature import Service
from moat.kit.timers.door import DueTimer, TimerKind
from moat.kit.timers.store import bury

BATCH_TIMERS_MAX: Final = 500
ATTEMPTS_MAX: Final = 5
POLL_SECONDS_MAX: Final = 0.5
LOCK_CLASS: Final = 7305002

_DUE_KINDS = "SELECT DISTINCT kind FROM timer WHERE due_at <= :now"
_NEXT_DUE = "SELECT min(due_at) FROM timer"
_LOCK = "SELECT pg_try_advisory_xact_lock(:class, :kind)"
_DUE_KEYS = "SELECT key FROM timer WHERE kind = :kind AND due_at <= :now ORDER BY due_at LIMIT :limit"
_TAKE = """
DELETE FROM timer WHERE kind = :kind AND key = ANY(CAST(:keys AS text[])) AND due_at <= :now
RETURNING key, due_at, payload, attempts
"""
_RETRY = """
INSERT INTO timer (kind, key, due_at, payload, attempts)
VALUES (:kind, :key, :due_at, CAST(:payload AS jsonb), :attempts)
ON CONFLICT (kind, key) DO NOTHING
"""
log = structlog.get_logger(__name__)


async def run_timers(service: Service, db: Database, clock: Clock) -> None:
    """Fire due timers until cancelled; a database that is away is waited for."""
    kinds = {kind.kind: kind for feature in service.features if feature.timers for kind in feature.timers.kinds}
    while kinds:
        try:
            async with db.transaction() as tx:
                due = [row.kind for row in await tx.all(_DUE_KINDS, now=clock.now())]
            fired = [await fire(service, kinds[kind], db, clock) for kind in due if kind in kinds]
            if not any(fired):
                await asyncio.sleep(await _seconds_to_next(db, clock))
        except Exception as error:
            log.warning("timers.waiting", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS_MAX)


async def fire(service: Service, kind: TimerKind, db: Database, clock: Clock) -> int:
    """Fire one batch of one kind and return how many; a failing batch is redone one by one to isolate the bad."""
    async with db.transaction() as tx:
        keys = await _due_keys(tx, kind, clock.now())
    try:
        return await _fire_keys(kind, keys, db, clock)
    except Exception as error:
        log.warning("timers.batch_failed", kind=kind.kind, count=len(keys), error=type(error).__name__)
    fired = 0
    for key in keys:
        try:
            fired += await _fire_keys(kind, [key], db, clock)
        except Exception as error:
            await _put_off(service, kind, key, error, db, clock)
    return fired


async def _due_keys(tx: Transaction, kind: TimerKind, now: datetime) -> list[str]:
    rows = await tx.all(_DUE_KEYS, kind=kind.kind, now=now, limit=BATCH_TIMERS_MAX)
    return sorted(row.key for row in rows)


async def _fire_keys(kind: TimerKind, keys: Sequence[str], db: Database, clock: Clock) -> int:
    now = clock.now()
    async with db.transaction() as tx:
        if not keys or not await tx.scalar(_LOCK, **{"class": LOCK_CLASS, "kind": _lock_of(kind)}):
            return 0
        if kind.lock is not None:
            await kind.lock(keys, tx)
        rows = await tx.all(_TAKE, kind=kind.kind, keys=list(keys), now=now)
        due = [DueTimer(kind.kind, row.key, row.due_at, row.payload) for row in rows]
        if due:
            await kind.handler(sorted(due, key=lambda timer: (timer.due_at, timer.key)), tx, clock)
        return len(due)


def _lock_of(kind: TimerKind) -> int:
    return crc32(kind.kind.encode()) - 2**31


async def _put_off(service: Service, kind: TimerKind, key: str, error: Exception, db: Database, clock: Clock) -> None:
    """Count the attempt and try later (1, 2, 4, 8 seconds), or list it with the dead letters."""
    now = clock.now()
    async with db.transaction() as tx:
        rows = await tx.all(_TAKE, kind=kind.kind, keys=[key], now=now)
        for row in rows:
            attempts = row.attempts + 1
            payload = json.dumps(row.payload)
            if attempts < ATTEMPTS_MAX:
                again_at = now + timedelta(seconds=2**row.attempts)
                await tx.execute(_RETRY, kind=kind.kind, key=key, due_at=again_at, payload=payload, attempts=attempts)
                continue
            await bury(
                tx,
                service.name,
                (kind.kind, key, payload),
                code="timer.failed",
                error=f"{type(error).__name__}: {error}",
                attempts=attempts,
            )
    log.warning("timers.failed", kind=kind.kind, error=type(error).__name__)


async def _seconds_to_next(db: Database, clock: Clock) -> float:
    async with db.transaction() as tx:
        next_due = await tx.scalar(_NEXT_DUE)
    if next_due is None:
        return POLL_SECONDS_MAX
    seconds: float = (next_due - clock.now()).total_seconds()
    return min(POLL_SECONDS_MAX, max(0.01, seconds))
