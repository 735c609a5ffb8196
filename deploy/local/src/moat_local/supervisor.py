"""Keeps processes running: a dead one is started again within seconds, backing off while it keeps dying.

The port and the environment of a process stay the same over its restarts, so that nobody else has to learn anything;
only its process id changes, which `on_change` is told.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from moat_local.child import Child, start_child
from moat_local.left_behind import Known, known

BACKOFF_SECONDS_MIN: Final = 0.3
BACKOFF_SECONDS_MAX: Final = 10.0
STEADY_SECONDS: Final = 20.0
"""A process that ran this long has recovered: its next death is a first one."""
STOP_SECONDS_MAX: Final = 50.0
"""Services bound their own stop at 45 s."""


@dataclass(frozen=True, slots=True)
class Command:
    """How to start one process."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


def python(package: str, *arguments: str) -> list[str]:
    """A command line of one of our packages, in the interpreter that we run in."""
    return [sys.executable, "-m", package, *arguments]


@dataclass(slots=True)
class Supervisor:
    """The processes of one home. `stop` ends them in the reverse of the order they were started in, by groups."""

    logs: Path
    kept: Mapping[str, str]
    """Our own environment."""
    on_change: Callable[[], None] = lambda: None
    _running: dict[str, Child] = field(default_factory=dict)
    _watchers: "dict[str, Watched]" = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)

    async def start(self, command: Command) -> None:
        """Start one process and keep it running."""
        await self._spawn(command)
        stopping = asyncio.Event()
        task = asyncio.create_task(self._watch(command, stopping), name=f"watch {command.name}")
        self._watchers[command.name] = Watched(task, stopping)

    def pids(self) -> dict[str, int]:
        """Name → process id, as of now."""
        return {name: child.pid for name, child in self._running.items()}

    def known(self) -> list[Known]:
        """What a later start needs to recognise these processes."""
        return [entry for child in self._running.values() if (entry := known(child.name, child.pid)) is not None]

    async def stop(self, *groups: Sequence[str]) -> None:
        """Stop the groups one after the other, the members of a group at once; then whatever else runs."""
        for group in (*groups, tuple(self._running)):
            await asyncio.gather(*(self._stop_one(name) for name in group))

    async def _stop_one(self, name: str) -> None:
        watched = self._watchers.pop(name, None)
        if watched is not None:
            watched.stopping.set()
            await watched.task
        child = self._running.pop(name, None)
        if child is not None:
            await child.stop(STOP_SECONDS_MAX)

    async def _spawn(self, command: Command) -> None:
        log_path = self.logs / f"{command.name}.log"
        self._running[command.name] = await start_child(
            command.name, command.arguments, command.environment, log_path, self.kept
        )
        self.on_change()

    async def _watch(self, command: Command, stopping: asyncio.Event) -> None:
        """Start the process again whenever it ends, until `stopping` is set. Never cancelled: no child gets lost."""
        loop = asyncio.get_running_loop()
        backoff_seconds = BACKOFF_SECONDS_MIN
        while True:
            started = loop.time()
            child = self._running[command.name]
            if await _first(stopping.wait(), child.process.wait(), stopping):
                return
            child.release()
            self.restarts[command.name] = self.restarts.get(command.name, 0) + 1
            if loop.time() - started > STEADY_SECONDS:
                backoff_seconds = BACKOFF_SECONDS_MIN
            if await _first(stopping.wait(), asyncio.sleep(backoff_seconds), stopping):
                return
            backoff_seconds = min(backoff_seconds * 2, BACKOFF_SECONDS_MAX)
            await self._spawn(command)


async def _first(one: Coroutine[Any, Any, Any], other: Coroutine[Any, Any, Any], stopping: asyncio.Event) -> bool:
    """Wait until one of the two is done; whether we are stopping."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return stopping.is_set()


@dataclass(frozen=True, slots=True)
class Watched:
    """The watcher of one process and the event that ends it."""

    task: "asyncio.Task[None]"
    stopping: asyncio.Event


async def run_once(command: Command, logs: Path, kept: Mapping[str, str]) -> int:
    """Run a command to its end and return its exit code; cancelled, it is ended by force."""
    child = await start_child(command.name, command.arguments, command.environment, logs / f"{command.name}.log", kept)
    try:
        return await child.process.wait()
    finally:
        await child.stop(0.0)


def our_environment() -> Mapping[str, str]:
    """The environment of this process, to be handed down in parts."""
    return dict(os.environ)
