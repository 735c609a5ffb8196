"""One running process, from its first task to its last.

Order of stopping (reliability.md §6): readiness off, a grace for the balancer to notice, requests drain, the worker
finishes its batch and commits, the relay finishes, connections close; all of it within a bound.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from starlette.applications import Starlette

from moat.kit.life.memory import settle
from moat.kit.life.server import Server, listen_on, make_server, serve, started
from moat.kit.life.stopping import Stop
from moat.kit.process import Process
from moat.kit.web.health import health_routes
from moat.kit.web.idempotency import prune_answers
from moat.kit.web.inflight import InFlight

PRUNE_EVERY_SECONDS: Final = 600.0
STOP_SECONDS_MAX: Final = 45.0
DRAIN_SECONDS_MAX: Final = 20.0
LEFT_BEHIND_SECONDS_MAX: Final = 5.0

App = Any
"""An ASGI app with `state` (FastAPI or Starlette)."""
CreateApp = Callable[[Process], App]
RunWorker = Callable[[Process], Awaitable[None]]

log = structlog.get_logger("moat.life")


class StopOverdue(Exception):
    """Stopping took longer than its bound."""


@dataclass(slots=True)
class Life:
    """What runs in this process; `run` returns when it has stopped in order."""

    process: Process
    app: App
    run_worker: RunWorker | None
    background: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _server: Server | None = None
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def run(self) -> None:
        """Run until told to stop or until a part fails, whose error is raised. Raises AddressTaken, StopOverdue."""
        settings = self.process.settings
        listening = listen_on(settings.host, settings.port)
        stop = Stop()
        stop.listen(settings.parent_pipe)
        try:
            await self._start(listening)
            await self._until_told_or_broken(stop)
        finally:
            broken = not stop.asked
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await self._stop(grace=0.0 if broken else settings.stop_grace_seconds)
            except TimeoutError:
                raise StopOverdue(f"could not stop within {STOP_SECONDS_MAX:.0f} s") from None
            finally:
                listening.close()
        log.info("stopped", reason=stop.reason)

    async def _start(self, listening: socket.socket) -> None:
        self._server = server = make_server(self.app, drain_seconds=DRAIN_SECONDS_MAX)
        for number, work in enumerate(self.background):
            self._task(f"background {number}", work())
        self._task("server", serve(server, listening))
        await started(server, self._tasks["server"], listening)
        if self.run_worker is not None:
            self._task("worker", self.run_worker(self.process))
        settle()

    def _task(self, name: str, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        self._tasks[name] = asyncio.create_task(run(), name=name)

    async def _until_told_or_broken(self, stop: Stop) -> None:
        told = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({told, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        for name, task in self._tasks.items():
            if task.done() and not stop.asked:
                error = None if task.cancelled() else task.exception()
                log.error("part.ended", part=name, error=type(error).__name__)
                raise error or RuntimeError(f"{name} ended by itself")

    async def _stop(self, *, grace: float) -> None:
        inflight: InFlight = self.app.state.inflight
        inflight.draining = True
        await asyncio.sleep(grace)
        if self._server is not None and (task := self._tasks.get("server")) is not None:
            self._server.should_exit = True
            await asyncio.wait({task})
        # Work whose caller has left; PostgreSQL bounds each statement of it.
        if not await inflight.drain(LEFT_BEHIND_SECONDS_MAX):
            log.warning("drain.incomplete", in_flight=len(inflight))
        # The worker after the web: what the last requests have written is still relayed if there is time.
        for name in ("worker", *(name for name in self._tasks if name.startswith("background"))):
            if (part := self._tasks.get(name)) is not None:
                part.cancel()
                await asyncio.wait({part})
        await self.process.log.close()
        await self.process.db.close()


def health_app(process: Process, package: str) -> Starlette:
    """`/livez`, `/readyz` and `/metrics` for a process that serves nothing else."""
    app = Starlette(routes=health_routes())
    app.state.process = process
    app.state.package = package
    app.state.inflight = InFlight()
    return app


def pruning(process: Process) -> Callable[[], Awaitable[None]]:
    """Forgets kept answers that are old enough, now and then."""

    async def prune() -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_SECONDS)
            try:
                await prune_answers(process.db)
            except Exception as error:
                log.warning("prune.failed", error=type(error).__name__)

    return prune
