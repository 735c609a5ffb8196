"""What a scan reads of the embedded log."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from moat.kit.messaging.log import Place, Received
from moat.kit.messaging.pglog.connections import disconnect, log_errors
from moat.kit.messaging.pglog.producer import unpack_headers
from moat.kit.messaging.scanning import Fetched, Range

_ENDS: Final = """
SELECT id, topic, partition, first_offset, next_offset FROM place WHERE topic = ANY ($1::text[]) ORDER BY id
"""
# Offsets are drawn under the place's lock and have no holes, so instants ascend with them: twenty steps find one among
# a million without an index. A step never goes beyond a record that is known to be too old.
_BEGINS: Final = """
WITH RECURSIVE search (id, low, high) AS (
  SELECT id, first_offset, next_offset FROM place WHERE id = ANY ($1::integer[])
  UNION ALL
  SELECT s.id, CASE WHEN r.at < $2 THEN m.middle + 1 ELSE s.low END, CASE WHEN r.at < $2 THEN s.high ELSE m.middle END
  FROM search s CROSS JOIN LATERAL (SELECT (s.low + s.high) / 2 AS middle) m
  JOIN record r ON r.place_id = s.id AND r.record_offset = m.middle
  WHERE s.low < s.high)
SELECT id, max(low) AS begins FROM search GROUP BY id
"""
_FETCH: Final = """
SELECT w.id, r.record_offset, r.key, r.value, r.headers, r.at
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS w (id, begins, ends)
CROSS JOIN LATERAL (
  SELECT record_offset, key, value, headers, at FROM record
  WHERE place_id = w.id AND record_offset >= w.begins AND record_offset < w.ends
  ORDER BY record_offset LIMIT $4) r
ORDER BY w.id, r.record_offset
"""


class PgSource:
    """One connection that reads."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._ids: dict[Place, int] = {}

    async def ranges(self, topics: Sequence[str], since: datetime | None) -> Mapping[Place, Range]:
        """What there is now, from an instant on. Raises LogUnavailable."""
        with log_errors():
            rows = await self._connection.fetch(_ENDS, list(topics))
            begins = {id_: first for id_, _, _, first, _ in rows}
            if since is not None:
                found = await self._connection.fetch(_BEGINS, list(begins), since)
                begins |= {row["id"]: row["begins"] for row in found}
        self._ids = {Place(topic, partition): id_ for id_, topic, partition, _, _ in rows}
        return {Place(topic, number): Range(begins[id_], ends) for id_, topic, number, _, ends in rows}

    async def fetch(self, wanted: Mapping[Place, Range], *, records_max: int) -> Mapping[Place, Fetched]:
        """The next records. Raises LogUnavailable."""
        names = {self._ids[place]: place for place in wanted}
        ranges = list(wanted.values())
        with log_errors():
            rows = await self._connection.fetch(
                _FETCH, list(names), [one.begins for one in ranges], [one.ends for one in ranges], records_max
            )
        found: dict[Place, list[Received]] = defaultdict(list)
        for id_, offset, key, value, headers, at in rows:
            place = names[id_]
            found[place].append(Received(place.topic, place.partition, offset, key, value, unpack_headers(headers), at))
        # Nothing left before the end: it was removed meanwhile, being older than its topic keeps.
        return {
            place: Fetched(found[place], found[place][-1].offset + 1 if found[place] else range_.ends)
            for place, range_ in wanted.items()
        }

    async def close(self) -> None:
        """Give the connection back."""
        await disconnect(self._connection)
