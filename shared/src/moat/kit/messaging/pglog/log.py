"""The embedded log behind the common protocol."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from moat.kit.ids import uuid7
from moat.kit.messaging.log import GATHER_MS, LogUnavailable, Place, Revoked
from moat.kit.messaging.pglog import schema
from moat.kit.messaging.pglog.connections import connect, disconnect, log_errors
from moat.kit.messaging.pglog.groups import Membership
from moat.kit.messaging.pglog.producer import PgProducer
from moat.kit.messaging.pglog.reader import PgReader
from moat.kit.messaging.pglog.scanning import PgSource
from moat.kit.messaging.scanning import Scan

PRUNE_SLICE_RECORDS: Final = 5_000
_LAG: Final = """
SELECT p.topic, p.partition, greatest(coalesce(g.next_offset, 0), p.first_offset) AS done, p.next_offset AS ends
FROM place p LEFT JOIN group_place g ON g.place_id = p.id AND g.group_name = $1
WHERE p.topic = ANY ($2::text[])
"""
# Only from the front, so that a place's records stay without holes.
_PRUNE: Final = """
WITH due AS (
  SELECT r.place_id, r.record_offset FROM place p
  CROSS JOIN LATERAL (SELECT place_id, record_offset, at FROM record WHERE place_id = p.id
                      ORDER BY record_offset LIMIT $1) r
  WHERE p.retention_ms >= 0 AND r.at < clock_timestamp() - p.retention_ms * interval '1 millisecond'),
gone AS (
  DELETE FROM record USING due WHERE record.place_id = due.place_id AND record.record_offset = due.record_offset
  RETURNING record.place_id, record.record_offset),
fronts AS (SELECT place_id, max(record_offset) + 1 AS front, count(*) AS records FROM gone GROUP BY place_id),
moved AS (UPDATE place SET first_offset = front FROM fronts WHERE place.id = place_id)
SELECT coalesce(sum(records), 0)::bigint FROM fronts
"""


class PgLog:
    """A durable log in its own PostgreSQL database, for one machine."""

    def __init__(self, url: str, retention_ms: Mapping[str, int]) -> None:
        self._url = url
        self._retention_ms = retention_ms
        self._places: dict[Place, int] = {}
        self._asking: asyncpg.Connection | None = None
        # Members whose connection was lost before they could leave: who comes next goes on as one of them, at once.
        self._left_behind: dict[str, list[UUID]] = defaultdict(list)

    async def ensure_topics(self) -> None:
        """Make tables and topics that are missing. Raises LogUnavailable."""
        connection = await connect(self._url)
        try:
            with log_errors():
                await schema.create(connection, self._retention_ms)
        finally:
            await disconnect(connection)

    async def producer(self) -> PgProducer:
        """A connection that writes. Raises LogUnavailable."""
        connection = await connect(self._url)
        return PgProducer(connection, await self._known_places(connection))

    async def reader(
        self, group: str, topics: Sequence[str], *, on_revoked: Revoked, gather_ms: int = GATHER_MS
    ) -> PgReader:
        """A member of `group`; it gathers nothing, as asking costs little here. Raises LogUnavailable."""
        connection = await connect(self._url)
        try:
            places = await self._known_places(connection)
            if missing := set(topics) - {place.topic for place in places}:
                raise LogUnavailable(f"topics that are not there yet: {', '.join(sorted(missing))}")
            me = self._left_behind[group].pop() if self._left_behind[group] else uuid7()
            membership = Membership(connection, me, group, topics)
            reader = PgReader(
                connection, membership, places, topics, on_revoked, lambda: self._left_behind[group].append(me)
            )
            await reader.start()
        except BaseException:
            await disconnect(connection)
            raise
        return reader

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """(committed next offset, end offset) of every place. Raises LogUnavailable."""
        # A connection runs one statement at a time; whoever asks takes it along.
        connection, self._asking = self._asking, None
        if connection is None or connection.is_closed():
            connection = await connect(self._url)
        try:
            with log_errors():
                rows = await connection.fetch(_LAG, group, list(topics))
        except BaseException:
            await disconnect(connection)
            raise
        spare, self._asking = self._asking, connection
        await disconnect(spare)
        return {Place(row["topic"], row["partition"]): (row["done"], row["ends"]) for row in rows}

    async def scan(self, topics: Sequence[str], *, since: datetime | None = None) -> Scan:
        """What there is now, from an instant on. Raises LogUnavailable."""
        source = PgSource(await connect(self._url))
        try:
            return Scan(source, await source.ranges(topics, since))
        except BaseException:
            await source.close()
            raise

    async def tidy(self) -> None:
        """Drop records that are older than their topic keeps them, in slices. Raises LogUnavailable."""
        connection = await connect(self._url)
        try:
            with log_errors():
                gone = PRUNE_SLICE_RECORDS
                while gone > 0:
                    gone = int(await connection.fetchval(_PRUNE, PRUNE_SLICE_RECORDS))
        finally:
            await disconnect(connection)

    async def close(self) -> None:
        connection, self._asking = self._asking, None
        await disconnect(connection)

    async def _known_places(self, connection: asyncpg.Connection) -> Mapping[Place, int]:
        # Topics are only ever added; a new reader or producer looks again.
        try:
            with log_errors():
                rows = await connection.fetch("SELECT id, topic, partition FROM place")
        except BaseException:
            await disconnect(connection)
            raise
        self._places = {Place(row["topic"], row["partition"]): row["id"] for row in rows}
        return self._places
