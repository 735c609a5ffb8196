"""Requests under way: each unit of work is a task of its own that outlives whoever asked for it.

A cancelled request must not leave a commit ambiguous (10 of 1,496 cancelled transactions had committed), so work is
never cancelled: its bounds are in PostgreSQL, and stopping waits for it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


class InFlight:
    """The running requests of one app; `draining` turns readiness off."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.inline = 0
        self.draining = False

    def __len__(self) -> int:
        return len(self._tasks) + self.inline

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run `work` as a tracked task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds_max: float) -> bool:
        """Wait until every unit of work is done; False if some are still running after `seconds_max`."""
        self.draining = True
        deadline = asyncio.get_running_loop().time() + seconds_max
        while self:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=min(left, 0.1))
            else:
                await asyncio.sleep(0.02)
        return True

    def __bool__(self) -> bool:
        return bool(self._tasks) or self.inline > 0
