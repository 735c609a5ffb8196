"""Setting and clearing timers, in the transaction that decided it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from moat.kit.db.transaction import Transaction

_SET = """
INSERT INTO timer (kind, key, due_at, payload)
SELECT :kind, key, due_at, CAST(payload AS jsonb)
FROM unnest(CAST(:keys AS text[]), CAST(:due AS timestamptz[]), CAST(:payloads AS text[])) AS t (key, due_at, payload)
ON CONFLICT (kind, key) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload, attempts = 0
"""
_CLEAR = "DELETE FROM timer WHERE kind = :kind AND key = ANY(CAST(:keys AS text[]))"

TimerToSet = tuple[str, datetime, Mapping[str, Any]]
"""(key, due_at, payload)"""


def rounded_up(instant: datetime) -> datetime:
    """The next whole millisecond: rounded to nearest, a crossing would be judged just under its threshold."""
    over = instant.microsecond % 1000
    return instant if not over else instant + timedelta(microseconds=1000 - over)


async def set_timers(tx: Transaction, kind: str, timers: Sequence[TimerToSet]) -> None:
    """Set or move the timers of one kind; a key has one timer."""
    if not timers:
        return
    await tx.execute(
        _SET,
        kind=kind,
        keys=[key for key, _, _ in timers],
        due=[rounded_up(due_at) for _, due_at, _ in timers],
        payloads=[json.dumps(dict(payload)) for _, _, payload in timers],
    )


async def clear_timers(tx: Transaction, kind: str, keys: Sequence[str]) -> None:
    """Remove the timers of these keys, where there are any."""
    if keys:
        await tx.execute(_CLEAR, kind=kind, keys=list(keys))
