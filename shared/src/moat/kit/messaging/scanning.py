"""A bounded read of a log without a group: what there is now, from an instant on, once, and then it ends.

The end of every place is fixed when the scan is opened, so that is the snapshot. Records come in the order in which
they were appended, over all places as far as the clocks of the writers agree, and within a place always: so order per
key is kept, and of two topics what was said first comes first. At most `BUFFERED` records of each place are held.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from moat.kit.messaging.log import LogUnavailable, Place, Received

BUFFERED: Final = 250
BATCH_RECORDS_MAX: Final = 2_000
FRUITLESS_MAX: Final = 30
"""So often may all places that are waited for give nothing; a place's source waits a second at most each time."""


class Range(NamedTuple):
    """What lies ahead of one place: from the offset `begins` until before `ends`."""

    begins: int
    ends: int


class Fetched(NamedTuple):
    """The next records of a place, in order; `next_offset` says how far it was looked, records or none."""

    records: Sequence[Received]
    next_offset: int


class Source(Protocol):
    """What a kind of log gives to a scan."""

    async def fetch(self, wanted: Mapping[Place, Range], *, records_max: int) -> Mapping[Place, Fetched]:
        """At most `records_max` next records of each place; places that have nothing yet may be missing."""

    async def close(self) -> None:
        """Let go of it, within a bound."""


class Scan:
    """One pass over the snapshot. records: how many it has at most, known before the first is read."""

    def __init__(self, source: Source, ranges: Mapping[Place, Range]) -> None:
        self._source = source
        self._ahead = {place: range_ for place, range_ in ranges.items() if range_.begins < range_.ends}
        self._held: dict[Place, deque[tuple[datetime, Received]]] = {place: deque() for place in self._ahead}
        self._latest: dict[Place, datetime] = {}
        self.records = sum(range_.ends - range_.begins for range_ in self._ahead.values())

    async def batches(self) -> AsyncIterator[Sequence[Received]]:
        """Every record of the snapshot once, at most BATCH_RECORDS_MAX at a time. Raises LogUnavailable."""
        while self._ahead or any(self._held.values()):
            await self._fill()
            ripe = merge(*self._ripe(), key=itemgetter(0))
            while batch := [received for _, received in islice(ripe, BATCH_RECORDS_MAX)]:
                yield batch

    async def _fill(self) -> None:
        """Have something of every place that is not at its end."""
        fruitless = 0
        while wanted := {place: ahead for place, ahead in self._ahead.items() if not self._held[place]}:
            found = await self._source.fetch(wanted, records_max=BUFFERED)
            fruitless = 0 if found else fruitless + 1
            if fruitless > FRUITLESS_MAX:
                raise LogUnavailable(f"{len(wanted)} places of a scan gave nothing")
            for place, (records, next_offset) in found.items():
                self._take(place, records, next_offset)

    def _take(self, place: Place, records: Sequence[Received], next_offset: int) -> None:
        ends = self._ahead[place].ends
        for received in records:
            if received.offset < ends:
                # A clock that was set back does not let a record overtake the one before it.
                at = self._latest[place] = max(received.at, self._latest.get(place, received.at))
                self._held[place].append((at, received))
        if next_offset >= ends:
            del self._ahead[place]
        else:
            self._ahead[place] = Range(next_offset, ends)

    def _ripe(self) -> list[list[tuple[datetime, Received]]]:
        """What nothing that is still to be fetched can come before, by place."""
        until = min((self._held[place][-1][0] for place in self._ahead), default=None)
        found = []
        for held in self._held.values():
            own = []
            while held and (until is None or held[0][0] <= until):
                own.append(held.popleft())
            found.append(own)
        return found

    async def close(self) -> None:
        """Let go of the log, also half-way."""
        await self._source.close()
