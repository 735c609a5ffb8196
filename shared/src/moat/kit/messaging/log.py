"""The small protocol behind which Kafka and the embedded log stand.

A log keeps records in topics of 12 partitions, in order within a partition, for many groups at their own offsets,
at least once. Everything above it (outbox, inbox, consumer loop) is the same on both.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from moat.kit.messaging.scanning import Scan

PARTITIONS: Final = 12
RECORD_BYTES_MAX: Final = 1_000_000
GATHER_MS: Final = 20
"""How long a busy reader waits for more records, unless it is told otherwise."""
LARGE_BYTES: Final = 100_000
"""Key, value and headers together; Kafka's own default is a little over it."""


def partition_of(key: bytes, partitions: int = PARTITIONS) -> int:
    """The partition of a key: crc32, one partitioner for all our writers (aiokafka's murmur2 is pure Python)."""
    return crc32(key) % partitions


class Place(NamedTuple):
    """A topic's partition."""

    topic: str
    partition: int


class Record(NamedTuple):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def is_too_large(record: Record) -> bool:
    """Whether a record is over RECORD_BYTES_MAX: key, value and headers."""
    # Counting headers costs more than they weigh; it is done where they could tip the scales.
    if len(record.value or b"") < LARGE_BYTES:
        return False
    headers = sum(len(name) + len(value) + 8 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers > RECORD_BYTES_MAX


class Received(NamedTuple):
    """A record as it was read; nothing in it has been checked."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    at: datetime


class LogUnavailable(Exception):
    """The log cannot be reached, or did not answer in time; sending again later is safe."""


class RecordRefused(Exception):
    """The log will never take this record (too large, unknown topic). `index` is its place in what was sent."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


class Producer(Protocol):
    """Writes records; after an error it is thrown away and a new one is made."""

    async def send(self, records: Sequence[Record], *, deadline_seconds: float = 8.0) -> None:
        """Write all in order, return when the log has them for good.

        Raises LogUnavailable (some may be written) or RecordRefused (those before it may be written).
        """

    async def close(self) -> None:
        """Give it back, within a bound even when the log is away."""


class Reader(Protocol):
    """One member of a consumer group."""

    async def poll(
        self, *, records_max: int = 2000, wait_seconds: float = 0.5, besides: Set[Place] = frozenset()
    ) -> Mapping[Place, Sequence[Received]]:
        """The next records per partition, in order; empty when none came in `wait_seconds`.

        None are of paused places, nor of those of `besides`, which stay where they are.

        What it returns belongs to this member at that moment. Raises LogUnavailable.
        """

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        """Remember, for the group, the next offset to read of each place; places that were lost are skipped."""

    def seek(self, place: Place, offset: int) -> None:
        """Read this place from here on next time."""

    def pause(self, places: Sequence[Place]) -> None:
        """Leave these out of the next polls."""

    def resume(self, places: Sequence[Place]) -> None:
        """Take these in again."""

    def assignment(self) -> frozenset[Place]:
        """The places this member owns now."""

    async def close(self) -> None:
        """Leave the group, within a bound."""


Revoked = Callable[[frozenset[Place]], Awaitable[None]]


class Log(Protocol):
    """Where events live between the services."""

    async def ensure_topics(self) -> None:
        """Make every topic of the house that is missing (idempotent)."""

    async def producer(self) -> Producer:
        """A new started producer. Raises LogUnavailable."""

    async def reader(
        self, group: str, topics: Sequence[str], *, on_revoked: Revoked, gather_ms: int = GATHER_MS
    ) -> Reader:
        """A new started member of `group`; `on_revoked` is awaited before places are given away.

        While records keep coming, a poll may wait `gather_ms` for more of them.
        """

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """(committed next offset, end offset) of every place of these topics. Raises LogUnavailable."""

    async def scan(self, topics: Sequence[str], *, since: datetime | None = None) -> "Scan":
        """What these topics hold now, read once without a group; close it. Raises LogUnavailable.

        since: only what was appended from then on. As nothing is appended before it happens, that leaves out nothing
        that happened since.
        """

    async def tidy(self) -> None:
        """Drop records that are older than their topic keeps them, where the log does not by itself."""

    async def close(self) -> None:
        """Let go of everything, within a bound."""
