"""Identifiers made by the application: UUIDv7, so that keys grow with time and indexes stay warm."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_COUNTER_BITS = 12
_lock = threading.Lock()
_last_tick = 0


def uuid7() -> UUID:
    """A new UUIDv7 (RFC 9562, 5.7), strictly increasing within this process.

    48 bits of Unix milliseconds, then a 12-bit fraction of the millisecond (RFC 9562, 6.2, method 3),
    then 62 random bits. When the clock stands still or steps back the tick is counted up instead.
    """
    global _last_tick
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    tick = (milliseconds << _COUNTER_BITS) | ((rest << _COUNTER_BITS) // 1_000_000)
    with _lock:
        _last_tick = tick = max(tick, _last_tick + 1)
    milliseconds, fraction = tick >> _COUNTER_BITS, tick & 0xFFF
    random_bits = int.from_bytes(os.urandom(8)) >> 2
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (fraction << 64) | random_bits)


def instant_of(id_: UUID) -> datetime | None:
    """When a UUIDv7 was made, aware UTC to the millisecond; None for any other version."""
    if id_.version != 7:
        return None
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
