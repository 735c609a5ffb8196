"""What happened, as the log keeps it: read once, in slices, of customers as they are known by now.

The log is the record of facts (canonical topics are kept for ever); nothing of it is kept here. Between two slices
others of the same process get at least as much time as a slice took, so that consumers beside a simulation go on.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from moat.customers.follow import readdress
from moat.kit.db.database import Database
from moat.kit.events import Event
from moat.kit.feature import Service
from moat.kit.messaging.log import Log, Received
from moat.kit.messaging.wire import Wire
from moat.kit.problems import Invalid

SLICE_EVENTS: Final = 200
CLOCKS_DIFFER: Final = timedelta(hours=1)
"""So much may the clock that stamped a record be behind that of the fact."""
GoOn = Callable[[float, int, int], Awaitable[None]]
"""Told how far it is (0 to 1), the events read and the records that nobody could read; raises to stop."""


@dataclass(slots=True)
class Facts:
    """The facts of a simulation: which types, since when."""

    service: Service
    db: Database
    log: Log
    since: datetime
    types: Collection[str]
    """As rules name them: `order.paid`."""
    read: int = 0
    skipped: int = 0

    async def slices(self, go_on: GoOn) -> AsyncGenerator[Sequence[Event[Any]]]:
        """Events in the order in which they were told, merges followed. Raises LogUnavailable."""
        wire = self._wire()
        topics = sorted({cls.TOPIC for cls in wire.wanted.values()})
        scan = await self.log.scan(topics, since=self.since - CLOCKS_DIFFER)
        seen = 0
        try:
            async for records in scan.batches():
                for first in range(0, len(records), SLICE_EVENTS):
                    began = asyncio.get_running_loop().time()
                    events = self._parsed(wire, records[first : first + SLICE_EVENTS])
                    await self._follow(events)
                    yield events
                    await asyncio.sleep(asyncio.get_running_loop().time() - began)
                seen += len(records)
                await go_on(seen / scan.records, self.read, self.skipped)
        finally:
            await scan.close()

    def _wire(self) -> Wire:
        names = {f"moat.{name}.v1" for name in self.types}
        wanted = {name: cls for name, cls in Wire.of(self.service).wanted.items() if name in names}
        return Wire(wanted, frozenset(wanted), frozenset())

    def _parsed(self, wire: Wire, records: Sequence[Received]) -> list[Event[Any]]:
        found = []
        for record in records:
            try:
                event = wire.parse(record)
            except Invalid:
                # It is, or was, a dead letter of the consumers.
                self.skipped += 1
                continue
            if event is not None and event.time >= self.since:
                found.append(event)
        self.read += len(found)
        return found

    async def _follow(self, events: Sequence[Event[Any]]) -> None:
        if not events:
            return
        async with self.db.transaction() as tx:
            await readdress(tx, events)
