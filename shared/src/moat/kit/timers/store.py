"""Setting and clearing timers, in the transaction that decided it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7

_PUT = """
INSERT INTO timer (kind, key, due_at, payload)
SELECT :kind, key, due_at, CAST(payload AS jsonb)
FROM unnest(CAST(:keys AS text[]), CAST(:due AS timestamptz[]), CAST(:payloads AS text[])) AS t (key, due_at, payload)
ON CONFLICT (kind, key) DO UPDATE SET """
_SET = _PUT + "due_at = excluded.due_at, payload = excluded.payload, attempts = 0"
_BRING_FORWARD = _PUT + "due_at = least(timer.due_at, excluded.due_at)"
_CLEAR = "DELETE FROM timer WHERE kind = :kind AND key = ANY(CAST(:keys AS text[]))"

_BURY = """
INSERT INTO dead_letter (id, consumer, topic, partition, record_offset, key, value, type, code, error, attempts)
VALUES (:id, :consumer, :topic, 0, :place, :key, :value, :kind, :code, :error, :attempts)
"""
_IS_RAISED = """
SELECT EXISTS (SELECT FROM dead_letter WHERE topic = :topic AND type = :kind AND key = :key AND status = 'pending')
"""
DEAD_TOPIC: Final = "timers"
"""Where the dead letters of timers stand; they have no partition and no offset."""

TimerToSet = tuple[str, datetime, Mapping[str, Any]]
"""(key, due_at, payload)"""


def rounded_up(instant: datetime) -> datetime:
    """The next whole millisecond: rounded to nearest, a crossing would be judged just under its threshold."""
    over = instant.microsecond % 1000
    return instant if not over else instant + timedelta(microseconds=1000 - over)


async def set_timers(tx: Transaction, kind: str, timers: Sequence[TimerToSet]) -> None:
    """Set or move the timers of one kind; a key has one timer."""
    await _set(tx, _SET, kind, timers)


async def bring_forward(tx: Transaction, kind: str, timers: Sequence[TimerToSet]) -> None:
    """Let these ring at their instants at the latest; one that is set already keeps its payload, and is never later."""
    await _set(tx, _BRING_FORWARD, kind, timers)


async def _set(tx: Transaction, statement: str, kind: str, timers: Sequence[TimerToSet]) -> None:
    if not timers:
        return
    await tx.execute(
        statement,
        kind=kind,
        keys=[key for key, _, _ in timers],
        due=[rounded_up(due_at) for _, due_at, _ in timers],
        payloads=[json.dumps(dict(payload)) for _, _, payload in timers],
    )


async def clear_timers(tx: Transaction, kind: str, keys: Sequence[str]) -> None:
    """Remove the timers of these keys, where there are any."""
    if keys:
        await tx.execute(_CLEAR, kind=kind, keys=list(keys))


async def bury(
    tx: Transaction, service: str, timer: tuple[str, str, str], *, code: str, error: str, attempts: int
) -> None:
    """List a timer, as (kind, key, payload in JSON), with the dead letters; replaying that sets it again."""
    kind, key, payload = timer
    id_ = uuid7()
    await tx.execute(
        _BURY,
        id=id_,
        consumer=service,
        topic=DEAD_TOPIC,
        place=id_.int >> 65,
        key=key.encode(),
        value=payload.encode(),
        kind=kind,
        code=code,
        error=error[:2000],
        attempts=attempts,
    )


async def raise_alarm(tx: Transaction, service: str, kind: str, key: str, *, code: str, error: str) -> None:
    """Let operations see that something regular work found is wrong: as a dead letter of its timer.

    One is listed at a time for each kind and key, until somebody discards it, or replays it, which does the work again.
    """
    if not await tx.scalar(_IS_RAISED, topic=DEAD_TOPIC, kind=kind, key=key.encode()):
        await bury(tx, service, (kind, key, "{}"), code=code, error=error, attempts=1)
