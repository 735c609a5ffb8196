"""Identifiers made by the application: UUIDv7, so that keys grow with time and indexes stay warm.

They are made as the database driver's own kind of UUID, which is a `uuid.UUID` in all that it does: reading one from
text, hashing it and writing it out cost a tenth, and every event does each of them several times.
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID

_VERSION: Final = 0x7 << 12
_COUNTER_BITS: Final = 12
_POOL_IDS: Final = 512
_lock = threading.Lock()
_last_tick = 0
# The random halves, variant and all; drawn from the kernel for many ids at once: a system call for each was a third of
# the cost.
_pool: list[bytes] = []


def uuid7() -> UUID:
    """A new UUIDv7 (RFC 9562, 5.7), strictly increasing within this process.

    48 bits of Unix milliseconds, then a 12-bit fraction of the millisecond (RFC 9562, 6.2, method 3),
    then 62 random bits. When the clock stands still or steps back the tick is counted up instead.
    """
    global _last_tick
    tick = (time.time_ns() << _COUNTER_BITS) // 1_000_000
    with _lock:
        if tick <= _last_tick:
            tick = _last_tick + 1
        _last_tick = tick
        if not _pool:
            _refill()
        half = _pool.pop()
    return DriverUUID((((tick >> _COUNTER_BITS) << 16) | _VERSION | (tick & 0xFFF)).to_bytes(8) + half)


def uuid_of(text: str) -> UUID:
    """The UUID that a text names, in any of the usual forms. Raises ValueError."""
    return DriverUUID(text)


def _refill() -> None:
    drawn = os.urandom(8 * _POOL_IDS)
    _pool.extend(bytes((0x80 | drawn[at] & 0x3F,)) + drawn[at + 1 : at + 8] for at in range(0, len(drawn), 8))


# A child must not hand out its parent's bits.
os.register_at_fork(after_in_child=_pool.clear)


def instant_of(id_: UUID) -> datetime | None:
    """When a UUIDv7 was made, aware UTC to the millisecond; None for any other version."""
    if id_.version != 7:
        return None
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
