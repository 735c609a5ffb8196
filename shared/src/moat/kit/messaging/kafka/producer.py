"""Writes to Kafka: an idempotent producer, a batch per partition, partitions by crc32 of the key.

With the broker down `send` and `stop` hang (aiokafka #1101), and after a gap in its sequence a producer never recovers
(#1017): so there is a deadline on everything, and after an error the caller throws the producer away.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from moat.kit.messaging.log import (
    PARTITIONS,
    RECORD_BYTES_MAX,
    LogUnavailable,
    Place,
    Record,
    RecordRefused,
    is_too_large,
    partition_of,
)

START_SECONDS_MAX: Final = 8.0
CLOSE_SECONDS_MAX: Final = 2.0
BATCH_BYTES_MAX: Final = 900_000
_REFUSALS: Final = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


class KafkaProducer:
    """One started aiokafka producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._topics: set[str] = set()

    @classmethod
    async def start(cls, bootstrap: str) -> "KafkaProducer":
        """Connect. Raises LogUnavailable."""
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=RECORD_BYTES_MAX + 100_000,
            request_timeout_ms=6_000,
            retry_backoff_ms=100,
        )
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await producer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await _stop(producer)
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await _stop(producer)
            raise
        return cls(producer)

    async def send(self, records: Sequence[Record], *, deadline_seconds: float = 8.0) -> None:
        """Write all, in order within each partition. Raises LogUnavailable or RecordRefused."""
        try:
            async with asyncio.timeout(deadline_seconds):
                by_place = await self._sorted_out(records)
                await self._send_all(by_place, records)
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error

    async def _sorted_out(self, records: Sequence[Record]) -> dict[Place, list[int]]:
        """Place → indexes of its records. What can never be sent is found before anything is."""
        by_place: dict[Place, list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            topic, key, _, _ = record
            if topic not in self._topics:
                await self._look_for(topic, index)
            if is_too_large(record):
                raise RecordRefused(index, f"larger than {RECORD_BYTES_MAX} bytes")
            by_place[Place(topic, partition_of(key or b""))].append(index)
        return by_place

    async def _look_for(self, topic: str, index: int) -> None:
        # Asked of the whole cluster: asking for one unknown topic waits, and goes on asking for ever after.
        cluster = await self._producer.client.fetch_all_metadata()
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            raise RecordRefused(index, f"there is no topic {topic}")
        if len(partitions) != PARTITIONS:
            raise RecordRefused(index, f"{topic} has {len(partitions)} partitions, not {PARTITIONS}")
        self._topics.add(topic)

    async def _send_all(self, by_place: dict[Place, list[int]], records: Sequence[Record]) -> None:
        # Partitions side by side; within one, a second batch is accepted only when the first is on its way.
        sends = [asyncio.create_task(self._send_place(p, records, indexes)) for p, indexes in by_place.items()]
        try:
            await asyncio.gather(*sends)
        except BaseException:
            for send in sends:
                send.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
            raise

    async def _send_place(self, place: Place, records: Sequence[Record], indexes: Sequence[int]) -> None:
        acknowledged: list[Any] = []
        batch = self._producer.create_batch()
        for index in indexes:
            record = records[index]
            if not _append(batch, record):
                acknowledged.append(await self._hand_in(batch, place))
                batch = self._producer.create_batch()
                _append(batch, record)
        acknowledged.append(await self._hand_in(batch, place))
        try:
            await asyncio.gather(*acknowledged)
        except _REFUSALS as error:
            # The broker does not say which; the first of the place is tried alone by what the caller does next.
            raise RecordRefused(indexes[0], f"{type(error).__name__}: {error}") from error

    async def _hand_in(self, batch: Any, place: Place) -> Any:
        batch.close()
        return await self._producer.send_batch(batch, place.topic, partition=place.partition)

    async def close(self) -> None:
        await _stop(self._producer)


def _append(batch: Any, record: Record) -> bool:
    # The record's timestamp is the time of sending (None: now).
    _, key, value, headers = record
    if type(headers) is not list:
        headers = list(headers)
    return batch.append(timestamp=None, key=key, value=value, headers=headers) is not None


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop within a bound; a broker that is away must not keep us."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError):
        await _abandon(producer)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close what `stop` did not reach: the sender's task and the connections."""
    sender = producer._sender
    task = sender.sender_task if sender is not None else None
    if task is not None:
        task.cancel()
        await asyncio.wait([task], timeout=CLOSE_SECONDS_MAX)
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await producer.client.close()
    except (KafkaError, OSError, TimeoutError):
        return
