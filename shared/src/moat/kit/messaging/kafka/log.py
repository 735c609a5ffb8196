"""Kafka behind the common protocol."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAlreadyExistsError,
    for_code,
)

from moat.kit.messaging.kafka.producer import KafkaProducer
from moat.kit.messaging.kafka.reader import GroupTimes, KafkaReader
from moat.kit.messaging.kafka.scanning import KafkaSource
from moat.kit.messaging.log import GATHER_MS, PARTITIONS, LogUnavailable, Place, Revoked
from moat.kit.messaging.scanning import Scan

CALL_SECONDS_MAX: Final = 5.0
CREATE_SECONDS_MAX: Final = 30.0
REPLICAS_MAX: Final = 3
ASK_AGAIN_SECONDS: Final = 0.2
RECORD_WITH_OVERHEAD_BYTES_MAX: Final = 1_200_000
T = TypeVar("T")


class KafkaLog:
    """A Kafka cluster at `bootstrap` (host:port, comma separated)."""

    def __init__(self, bootstrap: str, retention_ms: Mapping[str, int], times: GroupTimes = GroupTimes()) -> None:  # noqa: B008 (frozen)
        self._bootstrap = bootstrap
        self._retention_ms = retention_ms
        self._times = times
        self._asking = asyncio.Lock()
        self._admin: AIOKafkaAdminClient | None = None
        self._ends: AIOKafkaConsumer | None = None

    async def ensure_topics(self) -> None:
        """Make the topics that are missing. Raises LogUnavailable."""
        async with self._asking:
            await self._within(CREATE_SECONDS_MAX, self._ensure_topics())

    async def _ensure_topics(self) -> None:
        admin = await self._administrator()
        present = set(await admin.list_topics())
        brokers = len((await admin.describe_cluster())["brokers"])
        missing = [
            NewTopic(
                topic,
                num_partitions=PARTITIONS,
                replication_factor=min(REPLICAS_MAX, brokers),
                topic_configs={
                    "retention.ms": str(kept_ms),
                    "max.message.bytes": str(RECORD_WITH_OVERHEAD_BYTES_MAX),
                    "message.timestamp.type": "CreateTime",
                },
            )
            for topic, kept_ms in self._retention_ms.items()
            if topic not in present
        ]
        if missing:
            answer = await admin.create_topics(missing, timeout_ms=int(CREATE_SECONDS_MAX * 1000))
            for _topic, code, *_ in answer.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)(str(_topic))
            await self._until_visible(admin, {topic.name for topic in missing})

    async def _until_visible(self, admin: AIOKafkaAdminClient, topics: set[str]) -> None:
        """Brokers learn of new topics a little later than the controller."""
        seen: set[str] = set()
        while not topics <= seen:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            seen = set(await admin.list_topics())

    async def producer(self) -> KafkaProducer:
        """A started producer. Raises LogUnavailable."""
        return await KafkaProducer.start(self._bootstrap)

    async def reader(
        self, group: str, topics: Sequence[str], *, on_revoked: Revoked, gather_ms: int = GATHER_MS
    ) -> KafkaReader:
        """A started member of `group`. Raises LogUnavailable."""
        return await KafkaReader.start(self._bootstrap, group, topics, on_revoked, self._times, gather_ms)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """(committed next offset, end offset) of every place. Raises LogUnavailable."""
        async with self._asking:
            return await self._within(CALL_SECONDS_MAX, self._lag(group, topics))

    async def _lag(self, group: str, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        admin = await self._administrator()
        if self._ends is None:
            self._ends = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=4_000)
            await self._ends.start()
        places = [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        committed = await _offsets_of(admin, group, places)
        done = {place: _committed(committed, place) for place in places}
        ends = await self._ends.end_offsets(places)
        # What is no longer there need not be read. Only where something is left to read can that be so.
        behind = [place for place in places if done[place] < ends[place]]
        done |= {p: max(done[p], first) for p, first in (await self._ends.beginning_offsets(behind)).items()}
        return {Place(p.topic, p.partition): (done[p], ends[p]) for p in places}

    async def _administrator(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=20_000)
            try:
                await admin.start()
            except BaseException:
                await _close(admin.close())
                raise
            self._admin = admin
        return self._admin

    async def _within(self, seconds: float, call: Awaitable[T]) -> T:
        """The answer within a bound; after an error the clients are thrown away."""
        try:
            async with asyncio.timeout(seconds):
                return await call
        except (KafkaError, OSError, TimeoutError) as error:
            await self._discard()
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error

    async def _discard(self) -> None:
        admin, self._admin = self._admin, None
        ends, self._ends = self._ends, None
        if admin is not None:
            await _close(admin.close())
        if ends is not None:
            await _close(ends.stop())

    async def scan(self, topics: Sequence[str], *, since: datetime | None = None) -> Scan:
        """What there is now, from an instant on. Raises LogUnavailable."""
        source = await KafkaSource.start(self._bootstrap)
        try:
            return Scan(source, await source.ranges(topics, since))
        except BaseException:
            await source.close()
            raise

    async def tidy(self) -> None:
        """Nothing: the brokers keep to `retention.ms` themselves."""

    async def close(self) -> None:
        await self._discard()


async def _offsets_of(admin: AIOKafkaAdminClient, group: str, places: Sequence[TopicPartition]) -> Mapping[Any, Any]:
    """The group's offsets; a broker that has just started makes its group coordinator at the first question."""
    while True:
        try:
            offsets: Mapping[Any, Any] = await admin.list_consumer_group_offsets(group, partitions=places)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        else:
            return offsets


def _committed(committed: Mapping[Any, Any], place: TopicPartition) -> int:
    found = committed.get(place)
    return int(found.offset) if found is not None and found.offset >= 0 else 0


async def _close(closing: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            await closing
    except (KafkaError, OSError, TimeoutError):
        return
