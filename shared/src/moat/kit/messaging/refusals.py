"""Outbox rows that the log has refused: five tries over a few seconds, then they will never be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

TRIES_MAX: Final = 5
WAIT_SECONDS: Final = 0.25
"""Before the second try; doubled before each further one. A topic may just have been made."""


@dataclass(slots=True)
class _Refusal:
    bucket: int
    tries: int
    again_at: float


class Refusals:
    """What one relay remembers of refused rows, by seq; instants are those of its own monotonic clock."""

    def __init__(self) -> None:
        self._by_seq: dict[int, _Refusal] = {}

    def without_held(self, rows: Sequence[asyncpg.Record], *, now: float) -> Sequence[asyncpg.Record]:
        """The rows that may be sent: nothing that is behind a row of its bucket that waits for its next try."""
        if not self._by_seq:
            return rows
        held: dict[int, int] = {}
        for seq, refusal in self._by_seq.items():
            if refusal.again_at > now:
                held[refusal.bucket] = min(seq, held.get(refusal.bucket, seq))
        return [row for row in rows if row["bucket"] not in held or row["seq"] < held[row["bucket"]]]

    def is_final(self, row: asyncpg.Record, *, now: float) -> bool:
        """Count a refusal; True at the fifth."""
        refusal = self._by_seq.setdefault(row["seq"], _Refusal(row["bucket"], 0, now))
        refusal.tries += 1
        refusal.again_at = now + WAIT_SECONDS * 2.0 ** (refusal.tries - 1)
        return refusal.tries >= TRIES_MAX

    def forget(self, row: asyncpg.Record) -> None:
        """It has left the outbox."""
        self._by_seq.pop(row["seq"], None)
