"""Identifiers made by the application: UUIDv7, so that keys grow with time and indexes stay warm.

They are made as the database driver's own kind of UUID, which is a `uuid.UUID` in all that it does: reading one from
text, hashing it and writing it out cost a tenth, and every event does each of them several times.
"""

import os
import threading
import time
from datetime import UTC, datetime
from struct import Struct, unpack
from typing import Final
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID

_VERSION: Final = 0x7 << 12
_COUNTER_BITS: Final = 12
_VARIANT: Final = 0b10 << 62
_RANDOM: Final = (1 << 62) - 1
_POOL_IDS: Final = 512
_packed: Final = Struct(">QQ").pack
_lock = threading.Lock()
_last_tick = 0
# The random halves, variant and all; drawn from the kernel for many ids at once: a system call for each was a third of
# the cost.
_pool: list[int] = []


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
            _pool.extend(_halves(_POOL_IDS))
        half = _pool.pop()
    return DriverUUID(_packed(tick >> _COUNTER_BITS << 16 | _VERSION | tick & 0xFFF, half))


def uuid7s(count: int) -> list[UUID]:
    """So many new ones, each greater than the one before; for a batch they cost under half."""
    global _last_tick
    now = (time.time_ns() << _COUNTER_BITS) // 1_000_000
    with _lock:
        first = max(now, _last_tick + 1)
        _last_tick = first + count - 1
    return [
        DriverUUID(_packed(tick >> _COUNTER_BITS << 16 | _VERSION | tick & 0xFFF, half))
        for tick, half in enumerate(_halves(count), first)
    ]


def _halves(count: int) -> list[int]:
    return [_VARIANT | drawn & _RANDOM for drawn in unpack(f">{count}Q", os.urandom(8 * count))]


def uuid_of(text: str) -> UUID:
    """The UUID that a text names, in any of the usual forms. Raises ValueError."""
    return DriverUUID(text)


# A child must not hand out its parent's bits.
os.register_at_fork(after_in_child=_pool.clear)


def instant_of(id_: UUID) -> datetime | None:
    """When a UUIDv7 was made, aware UTC to the millisecond; None for any other version."""
    if id_.version != 7:
        return None
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
