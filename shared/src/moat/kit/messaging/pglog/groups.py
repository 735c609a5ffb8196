"""Consumer groups of the embedded log: who is alive, who owns which partition, how far each group has read.

Every member works out the same fair assignment from the living members. A partition changes hands cooperatively: its
owner gives it up (after its batch), only then somebody else takes it; of a dead owner it is taken when his lease has
run out. The database's clock decides leases, so a machine with a wrong clock cannot steal a living member's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

LEASE_SECONDS: Final = 6.0
HEARTBEAT_SECONDS: Final = 1.5

_ENTER_PLACES: Final = """
INSERT INTO group_place (group_name, place_id) SELECT $1, id FROM place WHERE topic = ANY ($2::text[]) ORDER BY id
ON CONFLICT DO NOTHING
"""
_BEAT: Final = """
INSERT INTO member (id, group_name, topics, alive_until)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
"""
_FORGET_DEAD: Final = "DELETE FROM member WHERE group_name = $1 AND alive_until < clock_timestamp()"
_MEMBERS: Final = "SELECT id, topics FROM member WHERE group_name = $1 AND alive_until >= clock_timestamp() ORDER BY id"
_PLACES: Final = """
SELECT g.place_id, p.topic, p.partition, g.owner FROM group_place g JOIN place p ON p.id = g.place_id
WHERE g.group_name = $1 AND p.topic = ANY ($2::text[]) ORDER BY p.partition, p.topic
"""
_TAKE: Final = """
UPDATE group_place g SET owner = $2, generation = generation + 1
FROM place p
WHERE g.group_name = $1 AND g.place_id = ANY ($3::integer[]) AND p.id = g.place_id
  AND (g.owner IS NULL OR g.owner = $2 OR NOT EXISTS (
    SELECT FROM member m WHERE m.id = g.owner AND m.alive_until >= clock_timestamp()))
RETURNING g.place_id, greatest(g.next_offset, p.first_offset) AS next_offset
"""
_GIVE_UP: Final = """
UPDATE group_place SET owner = NULL WHERE group_name = $1 AND owner = $2 AND place_id = ANY ($3::integer[])
"""
_LEAVE: Final = "UPDATE group_place SET owner = NULL WHERE group_name = $1 AND owner = $2"
_COMMIT: Final = """
UPDATE group_place g SET next_offset = o.next_offset
FROM unnest($3::integer[], $4::bigint[]) AS o (place_id, next_offset)
WHERE g.group_name = $1 AND g.owner = $2 AND g.place_id = o.place_id AND g.next_offset < o.next_offset
"""


def fair_share(me: UUID, places: Sequence[int], members: Sequence[UUID]) -> frozenset[int]:
    """The places of one member: they are dealt out in turn, so shares differ by one at most.

    places and members: each in an order all members agree on. Every place has exactly one owner.
    """
    if me not in members:
        return frozenset()
    return frozenset(places[members.index(me) :: len(members)])


class Membership:
    """One member of one group, on one connection that the caller guards."""

    def __init__(self, connection: asyncpg.Connection, me: UUID, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._me = me
        self._group = group
        self._topics = list(topics)

    async def join(self) -> None:
        """Become a member; the group now has offsets for all partitions of these topics."""
        async with self._connection.transaction():
            await self._connection.execute(_ENTER_PLACES, self._group, self._topics)
            await self._connection.execute(_BEAT, self._me, self._group, self._topics, LEASE_SECONDS)

    async def beat(self) -> tuple[frozenset[int], frozenset[int]]:
        """Renew the lease; returns (places that should be mine, places that are mine)."""
        await self._connection.execute(_BEAT, self._me, self._group, self._topics, LEASE_SECONDS)
        await self._connection.execute(_FORGET_DEAD, self._group)
        members = await self._connection.fetch(_MEMBERS, self._group)
        rows = await self._connection.fetch(_PLACES, self._group, self._topics)
        target: set[int] = set()
        for topic in self._topics:
            # Members of one group may subscribe to different topics while a new version rolls out.
            readers = [m["id"] for m in members if topic in m["topics"]]
            target |= fair_share(self._me, [r["place_id"] for r in rows if r["topic"] == topic], readers)
        owned = frozenset(r["place_id"] for r in rows if r["owner"] == self._me)
        return frozenset(target), owned

    async def take(self, places: Iterable[int]) -> Mapping[int, int]:
        """Own those of them that are free; returns place → next offset of the ones it got."""
        rows = await self._connection.fetch(_TAKE, self._group, self._me, sorted(places))
        return {row["place_id"]: row["next_offset"] for row in rows}

    async def give_up(self, places: Iterable[int]) -> None:
        """Let others have these."""
        await self._connection.execute(_GIVE_UP, self._group, self._me, sorted(places))

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Remember how far the group has read the places that are still mine; never backwards."""
        ids = sorted(offsets)
        await self._connection.execute(_COMMIT, self._group, self._me, ids, [offsets[id_] for id_ in ids])

    async def leave(self) -> None:
        """Give everything up and stop being a member."""
        async with self._connection.transaction():
            await self._connection.execute(_LEAVE, self._group, self._me)
            await self._connection.execute("DELETE FROM member WHERE id = $1", self._me)
