"""What is being taken at the moment: up to six lanes of whole places, each in a transaction of its own (ADR 0030).

While one lane's transaction waits for PostgreSQL another's events are folded. As long as polls show a backlog, a
lane that ends is followed by the next at once, of places that no other lane has; else all are waited for, so that
live traffic goes in batches as large as it allows.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from moat.kit.messaging.log import Place, Received

Records = Mapping[Place, Sequence[Received]]

LANES_MAX: Final = 6
LANE_EVENTS_MIN: Final = 500
LANE_EVENTS_ASKED: Final = 1_600
"""A poll asks for so many for each lane that is free; if they are all of one place they stay one lane."""


def lanes_of(records: Records, lanes_max: int = LANES_MAX) -> list[Records]:
    """A large poll in parts of whole places, a small one as it is: there a transaction costs more than it saves."""
    sizes = {place: len(batch) for place, batch in records.items()}
    count = min(lanes_max, len(sizes), sum(sizes.values()) // LANE_EVENTS_MIN)
    if count < 2:
        return [records]
    lanes: tuple[dict[Place, Sequence[Received]], ...] = tuple({} for _ in range(count))
    loads = [0] * count
    for place in sorted(sizes, key=lambda place: -sizes[place]):
        lighter = loads.index(min(loads))
        lanes[lighter][place] = records[place]
        loads[lighter] += sizes[place]
    return list(lanes)


class Lanes:
    """The running lanes of one reader. `idle` is set while there is none."""

    def __init__(self, take: Callable[[Records], Coroutine[Any, Any, None]]) -> None:
        self._take = take
        self._running: dict[asyncio.Task[None], frozenset[Place]] = {}
        self._is_behind = False
        self._failure: BaseException | None = None
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def room(self) -> int:
        """How many records the next poll may bring."""
        return (LANES_MAX - len(self._running)) * LANE_EVENTS_ASKED

    @property
    def places(self) -> frozenset[Place]:
        """Those that are being taken; nothing more of them is started before."""
        return frozenset().union(*self._running.values())

    def start(self, records: Records, asked: int) -> None:
        """Take a poll that could have brought as many as were asked for."""
        self._is_behind = 2 * sum(map(len, records.values())) >= asked
        for lane in lanes_of(records, LANES_MAX - len(self._running)) if records else ():
            task = asyncio.create_task(self._take(lane))
            self._running[task] = frozenset(lane)
            task.add_done_callback(self._ended)
            self.idle.clear()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._running[task]
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        if not self._running:
            self.idle.set()

    async def settle(self) -> None:
        """Wait until there is something to poll for. Raises what a lane raised."""
        while self._running and self._failure is None and (self.room == 0 or not self._is_behind):
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            # Its callback comes before this line does: it was added first.
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> None:
        """Wait for all of them. Raises what a lane raised."""
        self._is_behind = False
        await self.settle()

    async def drop(self) -> None:
        """Cancel those that run: what they did is rolled back."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
