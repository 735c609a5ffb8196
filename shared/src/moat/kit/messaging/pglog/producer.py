"""Appends to the embedded log. A lock per partition is taken before an offset is drawn, so offsets appear in order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from moat.kit.messaging.log import RECORD_BYTES_MAX, Place, Record, RecordRefused, is_too_large, partition_of
from moat.kit.messaging.pglog.connections import disconnect, log_errors
from moat.kit.messaging.pglog.schema import CHANNEL, PLACE_LOCK_CLASS

# In order of id, so that two writers never wait for each other crosswise.
_LOCK: Final = "SELECT pg_advisory_xact_lock($1, id) FROM unnest($2::integer[]) AS id"
_APPEND: Final = """
WITH drawn AS (
  UPDATE place SET next_offset = place.next_offset + c.records
  FROM unnest($1::integer[], $2::integer[]) AS c (id, records)
  WHERE place.id = c.id
  RETURNING place.id, place.next_offset - c.records AS first),
appended AS (
  INSERT INTO record (place_id, record_offset, key, value, headers)
  SELECT r.place_id, drawn.first + r.nth, r.key, r.value, r.headers
  FROM unnest($3::integer[], $4::integer[], $5::bytea[], $6::bytea[], $7::bytea[])
    AS r (place_id, nth, key, value, headers)
  JOIN drawn ON drawn.id = r.place_id)
SELECT pg_notify($8, $9)
"""


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as JSON; Latin-1 gives every byte a character, so any bytes survive."""
    return json.dumps([(name, value.decode("latin-1")) for name, value in headers]).encode()


def unpack_headers(packed: bytes) -> tuple[tuple[str, bytes], ...]:
    """The inverse of `pack_headers`."""
    return tuple([(name, value.encode("latin-1")) for name, value in json.loads(packed)])


class PgProducer:
    """One connection that writes."""

    def __init__(self, connection: asyncpg.Connection, places: Mapping[Place, int]) -> None:
        self._connection = connection
        self._places = places

    async def send(self, records: Sequence[Record], *, deadline_seconds: float = 8.0) -> None:
        """Append all or nothing, in one transaction. Raises LogUnavailable or RecordRefused."""
        if not records:
            return
        ids, nths, counts = self._number(records)
        touched = sorted(counts)
        packed = [pack_headers(record.headers) for record in records]
        with log_errors():
            async with self._connection.transaction():
                await self._connection.execute(_LOCK, PLACE_LOCK_CLASS, touched, timeout=deadline_seconds)
                await self._connection.execute(
                    _APPEND,
                    touched,
                    [counts[id_] for id_ in touched],
                    ids,
                    nths,
                    [record.key for record in records],
                    [record.value for record in records],
                    packed,
                    # The log's own database has no other commits that NOTIFY's global lock could slow down.
                    CHANNEL,
                    ",".join(sorted({record.topic for record in records})),
                    timeout=deadline_seconds,
                )

    def _number(self, records: Sequence[Record]) -> tuple[list[int], list[int], dict[int, int]]:
        """Each record's place, its number within what is sent to that place, and how many go to each."""
        ids: list[int] = []
        nths: list[int] = []
        counts: dict[int, int] = defaultdict(int)
        for index, record in enumerate(records):
            id_ = self._places.get(Place(record.topic, partition_of(record.key or b"")))
            if id_ is None:
                raise RecordRefused(index, f"there is no topic {record.topic}")
            if is_too_large(record):
                raise RecordRefused(index, f"larger than {RECORD_BYTES_MAX} bytes")
            ids.append(id_)
            nths.append(counts[id_])
            counts[id_] += 1
        return ids, nths, counts

    async def close(self) -> None:
        await disconnect(self._connection)
