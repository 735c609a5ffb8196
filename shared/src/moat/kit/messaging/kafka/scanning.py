"""What a scan reads of Kafka: a consumer without a group, which commits nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from moat.kit.messaging.kafka.reader import CLOSE_SECONDS_MAX, CONNECT_SECONDS_MAX, received_of
from moat.kit.messaging.log import PARTITIONS, LogUnavailable, Place
from moat.kit.messaging.scanning import Fetched, Range

OFFSETS_SECONDS_MAX: Final = 10.0
WAIT_MS: Final = 1_000


class KafkaSource:
    """One started consumer with places of its own choice."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    @classmethod
    async def start(cls, bootstrap: str) -> "KafkaSource":
        """A consumer of no group. Raises LogUnavailable."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=1_500_000,
            retry_backoff_ms=100,
        )
        source = cls(consumer)
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await source.close()
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await source.close()
            raise
        return source

    async def ranges(self, topics: Sequence[str], since: datetime | None) -> Mapping[Place, Range]:
        """What there is now, from an instant on. Raises LogUnavailable."""
        places = [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        consumer = self._consumer
        try:
            async with asyncio.timeout(OFFSETS_SECONDS_MAX):
                ends = await consumer.end_offsets(places)
                begins = await consumer.beginning_offsets(places)
                if since is not None:
                    asked = dict.fromkeys(places, int(since.timestamp() * 1000))
                    found = await consumer.offsets_for_times(asked)
                    # None: nothing is as late.
                    begins = {place: found[place].offset if found.get(place) else ends[place] for place in places}
                ranges = {place: Range(begins[place], ends[place]) for place in places}
                ahead = [place for place in places if ranges[place].begins < ranges[place].ends]
                consumer.assign(ahead)
                for place in ahead:
                    consumer.seek(place, ranges[place].begins)
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        return {Place(place.topic, place.partition): ranges[place] for place in ahead}

    async def fetch(self, wanted: Mapping[Place, Range], *, records_max: int) -> Mapping[Place, Fetched]:
        """The next records of places that have arrived by now. Raises LogUnavailable."""
        places = [TopicPartition(place.topic, place.partition) for place in wanted]
        try:
            found = await self._consumer.getmany(
                *places, timeout_ms=WAIT_MS, max_records=records_max * max(len(places), 1)
            )
            # Behind the last record there may be marks of the broker's own, which a position has passed.
            reached = {place: await self._consumer.position(place) for place in places}
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        return {
            Place(place.topic, place.partition): Fetched([received_of(one) for one in found.get(place, ())], offset)
            for place, offset in reached.items()
            if place in found or offset >= wanted[Place(place.topic, place.partition)].ends
        }

    async def close(self) -> None:
        """Let go of the brokers, within a bound."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._consumer.stop()
        except (KafkaError, OSError, TimeoutError):
            return
