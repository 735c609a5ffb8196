"""One member of a consumer group of the embedded log.

The heartbeat renews the lease in the background, also during a long batch; partitions change hands inside `poll`
only, once the batches that run have ended. A NOTIFY wakes the poll; a look every half second is the safety net.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final

import asyncpg

from moat.kit.messaging.log import LogUnavailable, Place, Received, Revoked
from moat.kit.messaging.pglog.connections import disconnect, log_errors
from moat.kit.messaging.pglog.groups import HEARTBEAT_SECONDS, Membership
from moat.kit.messaging.pglog.producer import unpack_headers
from moat.kit.messaging.pglog.schema import CHANNEL

HAND_OVER_SECONDS: Final = 0.2
"""How soon a member looks again while a partition that should be his is still somebody else's."""

_FETCH: Final = """
WITH ahead AS MATERIALIZED (
  SELECT w.id, w.position, greatest($3::integer / count(*) OVER (), 1) AS share
  FROM unnest($1::integer[], $2::bigint[]) AS w (id, position) JOIN place p ON p.id = w.id
  WHERE p.next_offset > w.position)
SELECT a.id, r.record_offset, r.key, r.value, r.headers, r.at
FROM ahead a CROSS JOIN LATERAL (
  SELECT record_offset, key, value, headers, at FROM record
  WHERE place_id = a.id AND record_offset >= a.position ORDER BY record_offset LIMIT a.share) r
ORDER BY a.id, r.record_offset LIMIT $3
"""


class PgReader:
    """Reads the places it owns, from the group's offsets on."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        membership: Membership,
        places: Mapping[Place, int],
        topics: Sequence[str],
        on_revoked: Revoked,
        on_left_behind: Callable[[], None],
    ) -> None:
        self._on_left_behind = on_left_behind
        self._connection = connection
        self._membership = membership
        self._ids = {place: id_ for place, id_ in places.items() if place.topic in topics}
        self._names = {id_: place for place, id_ in self._ids.items()}
        self._topics = frozenset(topics)
        self._on_revoked = on_revoked
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._target: frozenset[int] = frozenset()
        self._lost: frozenset[int] = frozenset()
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()
        self._failure: LogUnavailable | None = None
        self._heart: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group and listen."""
        with log_errors():
            await self._connection.add_listener(CHANNEL, self._heard)
            await self._membership.join()
            await self._beat()
        self._heart = asyncio.create_task(self._beat_for_ever(), name="pglog heartbeat")

    def _heard(self, _connection: Any, _pid: int, _channel: str, topics: object) -> None:
        if not self._topics.isdisjoint(str(topics).split(",")):
            self._wake.set()

    async def _beat_for_ever(self) -> None:
        while True:
            settled = self._target == frozenset(self._positions)
            await asyncio.sleep(HEARTBEAT_SECONDS if settled else HAND_OVER_SECONDS)
            try:
                with log_errors():
                    await self._beat()
            except LogUnavailable as error:
                self._failure = error
                self._wake.set()
                return

    async def _beat(self) -> None:
        async with self._busy:
            target, owned = await self._membership.beat()
        if target != self._target or owned != frozenset(self._positions):
            self._wake.set()
        self._target = target
        # After a lease that ran out (the process was stopped, say) others may own what we think is ours.
        self._lost = frozenset(self._positions) - owned

    async def poll(
        self, *, records_max: int = 2000, wait_seconds: float = 0.5, besides: Set[Place] = frozenset()
    ) -> Mapping[Place, Sequence[Received]]:
        """The next records of the owned places that are not paused. Raises LogUnavailable."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        while True:
            self._wake.clear()
            if self._failure is not None:
                raise self._failure
            with log_errors():
                await self._hand_over()
                rows = await self._fetch(records_max, besides)
            if rows:
                return self._received(rows)
            if (left := until - loop.time()) <= 0:
                return {}
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _hand_over(self) -> None:
        """Give up what should be others', take what should be ours and is free."""
        mine = frozenset(self._positions)
        if gone := (mine - self._target) | self._lost:
            await self._on_revoked(self._places(gone))
            async with self._busy:
                await self._membership.give_up(gone)
            for id_ in gone:
                self._positions.pop(id_, None)
                self._paused.discard(id_)
            self._lost = frozenset()
        if missing := self._target - frozenset(self._positions):
            async with self._busy:
                self._positions.update(await self._membership.take(missing))

    async def _fetch(self, records_max: int, besides: Set[Place]) -> Sequence[asyncpg.Record]:
        left_out = self._paused.union(self._ids[place] for place in besides)
        wanted = [(id_, at) for id_, at in self._positions.items() if id_ not in left_out]
        if not wanted:
            return ()
        async with self._busy:
            rows: Sequence[asyncpg.Record] = await self._connection.fetch(
                _FETCH, [id_ for id_, _ in wanted], [at for _, at in wanted], records_max
            )
        return rows

    def _received(self, rows: Sequence[asyncpg.Record]) -> Mapping[Place, Sequence[Received]]:
        found: dict[Place, list[Received]] = defaultdict(list)
        for id_, offset, key, value, headers, at in rows:
            place = self._names[id_]
            found[place].append(Received(place.topic, place.partition, offset, key, value, unpack_headers(headers), at))
            self._positions[id_] = offset + 1
        return found

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        """Remember the group's next offsets. Raises LogUnavailable."""
        ids = {self._ids[place]: offset for place, offset in offsets.items()}
        with log_errors():
            async with self._busy:
                await self._membership.commit({id_: o for id_, o in ids.items() if id_ in self._positions})

    def seek(self, place: Place, offset: int) -> None:
        """Read from here on; nothing if the place is not owned."""
        if (id_ := self._ids[place]) in self._positions:
            self._positions[id_] = offset

    def pause(self, places: Sequence[Place]) -> None:
        """Leave these out."""
        self._paused.update(self._ids[place] for place in places)

    def resume(self, places: Sequence[Place]) -> None:
        """Take these in again."""
        self._paused.difference_update(self._ids[place] for place in places)

    def assignment(self) -> frozenset[Place]:
        """The places owned now."""
        return self._places(frozenset(self._positions) - self._lost)

    def _places(self, ids: frozenset[int]) -> frozenset[Place]:
        return frozenset(self._names[id_] for id_ in ids)

    async def close(self) -> None:
        """Leave the group, so that others need not wait for the lease; within a bound."""
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)
        try:
            with log_errors():
                async with asyncio.timeout(2.0), self._busy:
                    await self._membership.leave()
        except (LogUnavailable, TimeoutError):
            # The group will hold our places for us until the lease runs out.
            self._on_left_behind()
        await disconnect(self._connection)
