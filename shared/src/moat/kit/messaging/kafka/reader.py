"""One member of a Kafka consumer group.

No deserializers (one that raises poisons its partition for ever), no static membership, offsets by hand.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from moat.kit.messaging.log import LogUnavailable, Place, Received, Revoked

CONNECT_SECONDS_MAX: Final = 15.0
CLOSE_SECONDS_MAX: Final = 5.0
COMMIT_SECONDS_MAX: Final = 5.0
GATHERED_BYTES: Final = 100_000
"""While records keep coming a fetch waits for so much, or for the reader's `gather_ms`."""
IDLE_WAIT_MS: Final = 500
"""A reader that was told nothing for one poll waits at the broker, and is told of the first record at once."""


@dataclass(frozen=True, slots=True)
class GroupTimes:
    """How long a silent member is waited for, in milliseconds; shorter in tests that kill one."""

    session_ms: int = 30_000
    heartbeat_ms: int = 5_000
    rebalance_ms: int = 60_000

    @property
    def join_seconds_max(self) -> float:
        """How long joining may take while the broker waits for members that were killed.

        Giving up earlier would be worse than waiting: whoever gives up in the middle of a join cannot leave the group
        (it has no generation yet) and is itself waited for, so that with retries no join would ever end.
        """
        return CONNECT_SECONDS_MAX + (self.session_ms + self.rebalance_ms) / 1000


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the loop before partitions are given away."""

    def __init__(self, on_revoked: Revoked) -> None:
        self._on_revoked = on_revoked

    async def on_partitions_revoked(self, revoked: Any) -> None:
        if revoked:
            await self._on_revoked(frozenset(Place(p.topic, p.partition) for p in revoked))

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Positions come from the group's offsets."""


class KafkaReader:
    """One started aiokafka consumer."""

    def __init__(self, consumer: AIOKafkaConsumer, gather_ms: int) -> None:
        self._consumer = consumer
        self._gather_ms = gather_ms
        self._is_idle = True

    @classmethod
    async def start(
        cls, bootstrap: str, group: str, topics: Sequence[str], on_revoked: Revoked, times: GroupTimes, gather_ms: int
    ) -> "KafkaReader":
        """Join the group. Raises LogUnavailable."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=times.session_ms,
            heartbeat_interval_ms=times.heartbeat_ms,
            rebalance_timeout_ms=times.rebalance_ms,
            fetch_min_bytes=1,
            fetch_max_wait_ms=IDLE_WAIT_MS,
            max_partition_fetch_bytes=1_500_000,
            retry_backoff_ms=100,
            metadata_max_age_ms=30_000,
        )
        consumer.subscribe(topics=list(topics), listener=_Listener(on_revoked))
        reader = cls(consumer, gather_ms)
        try:
            async with asyncio.timeout(times.join_seconds_max):
                await consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await reader.close()
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await reader.close()
            raise
        return reader

    async def poll(
        self, *, records_max: int = 2000, wait_seconds: float = 0.5, besides: Set[Place] = frozenset()
    ) -> Mapping[Place, Sequence[Received]]:
        """The next records per partition. Raises LogUnavailable."""
        others = self._consumer.assignment() - set(map(_partition, besides)) if besides else ()
        if besides and not others:
            return {}
        try:
            found = await self._consumer.getmany(*others, timeout_ms=int(wait_seconds * 1000), max_records=records_max)
        except KafkaError as error:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        if not besides:
            self._pace(is_idle=not found)
        return {Place(p.topic, p.partition): [received_of(r) for r in records] for p, records in found.items()}

    def _pace(self, *, is_idle: bool) -> None:
        """Busy, gather: a small batch costs the house about as much as a large one. Idle, wait at the broker."""
        if is_idle is self._is_idle:
            return
        self._is_idle = is_idle
        # aiokafka has no public way to change what the next fetch asks for.
        fetcher = self._consumer._fetcher
        fetcher._fetch_min_bytes = 1 if is_idle else GATHERED_BYTES
        fetcher._fetch_max_wait_ms = IDLE_WAIT_MS if is_idle else self._gather_ms

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        """Remember the group's next offsets of the places that are still ours. Raises LogUnavailable."""
        mine = self._consumer.assignment()
        told = {TopicPartition(p.topic, p.partition): offset for p, offset in offsets.items()}
        told = {partition: offset for partition, offset in told.items() if partition in mine}
        if not told:
            return
        try:
            async with asyncio.timeout(COMMIT_SECONDS_MAX):
                await self._consumer.commit(told)
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error

    def seek(self, place: Place, offset: int) -> None:
        """Read from here on; nothing if the place is not ours any more."""
        try:
            self._consumer.seek(TopicPartition(place.topic, place.partition), offset)
        except IllegalStateError:
            return

    def pause(self, places: Sequence[Place]) -> None:
        """Leave these out, as far as they are ours."""
        mine = self._consumer.assignment()
        self._consumer.pause(*[p for p in map(_partition, places) if p in mine])

    def resume(self, places: Sequence[Place]) -> None:
        """Take these in again."""
        mine = self._consumer.assignment()
        self._consumer.resume(*[p for p in map(_partition, places) if p in mine])

    def assignment(self) -> frozenset[Place]:
        return frozenset(Place(p.topic, p.partition) for p in self._consumer.assignment())

    async def close(self) -> None:
        """Leave the group, within a bound."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._consumer.stop()
        except (KafkaError, OSError, TimeoutError):
            return


def _partition(place: Place) -> TopicPartition:
    return TopicPartition(place.topic, place.partition)


def received_of(record: Any) -> Received:
    """A record of aiokafka as the house knows it."""
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Received(record.topic, record.partition, record.offset, record.key, record.value, record.headers, at)
