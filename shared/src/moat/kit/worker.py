"""The worker of a service: relay, consumer, timers and the features' own loops under one TaskGroup.

Cancelling `run_worker` stops it in order: timers and loops first, then the consumer after its running batch, last the
relay, which still sends what that batch has left in the outbox.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from moat.kit.db.database import WORKER_STATEMENT_TIMEOUT_MS
from moat.kit.messaging import inbox, metrics
from moat.kit.messaging.consumer import Consumer
from moat.kit.messaging.lanes import LANES_MAX
from moat.kit.messaging.relay import Relay
from moat.kit.process import Process
from moat.kit.timers.runner import run_timers

CONNECTIONS: Final = LANES_MAX + 4
"""The lanes of the consumer, the relay, the timers, and the loops of features."""
STOP_SECONDS_MAX: Final = 20.0
TIDY_SECONDS: Final = 3600.0
LOOP_LAG_LOOK_SECONDS: Final = 0.5
LOOP_LAG_ALARM_SECONDS: Final = 0.25

logger = structlog.get_logger(__name__)


async def run_worker(process: Process) -> None:
    """Work until cancelled, then stop in order within a bound. Raises what a part could not live with."""
    worker = Worker(process)
    running = asyncio.create_task(worker.run(), name=f"{process.service.name} worker")
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        worker.stop()
        _, late = await asyncio.wait({running}, timeout=STOP_SECONDS_MAX)
        if late:
            logger.error("worker.stop_overdue", service=process.service.name)
            running.cancel()
            await asyncio.wait({running}, timeout=1.0)
        raise


class Worker:
    """The parts of one worker."""

    def __init__(self, process: Process) -> None:
        db = process.db.sibling(statement_timeout_ms=WORKER_STATEMENT_TIMEOUT_MS, pool_connections=CONNECTIONS)
        self._process = replace(process, db=db)
        self._relay = Relay(process.service.name, db, process.log)
        self._consumer = Consumer(process.service, db, process.log, process.clock)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` to finish."""
        self._stopping.set()

    async def run(self) -> None:
        """Run all parts until told to stop; when one fails all end."""
        process = self._process
        try:
            async with asyncio.TaskGroup() as group:
                around = [
                    group.create_task(run_timers(process.service, process.db, process.clock)),
                    group.create_task(_tidy(process)),
                    group.create_task(_watch_loop_lag(process.service.name)),
                    *(group.create_task(_run(loop(process))) for f in process.service.features for loop in f.loops),
                ]
                consumer = group.create_task(self._consumer.run())
                relay = group.create_task(self._relay.run())
                await self._stopping.wait()
                for task in around:
                    task.cancel()
                await asyncio.wait(around)
                self._consumer.stop()
                await asyncio.wait({consumer})
                self._relay.stop()
                await asyncio.wait({relay})
        finally:
            await process.db.close()


async def _run(loop: Awaitable[None]) -> None:
    await loop


async def _tidy(process: Process) -> None:
    """Forget old inbox marks and old records now and then."""
    jobs: list[Callable[[], Awaitable[object]]] = [lambda: inbox.prune(process.db), process.log.tidy]
    while True:
        for job in jobs:
            try:
                await job()
            except Exception as error:
                logger.warning("worker.not_tidied", service=process.service.name, error=type(error).__name__)
        await asyncio.sleep(TIDY_SECONDS)


async def _watch_loop_lag(name: str) -> None:
    """The event loop is shared with heartbeats; measure how late it is, and complain when it is too late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_LAG_LOOK_SECONDS
        await asyncio.sleep(LOOP_LAG_LOOK_SECONDS)
        late = max(0.0, loop.time() - due)
        metrics.LOOP_LAG.labels(name).observe(late)
        if late > LOOP_LAG_ALARM_SECONDS:
            logger.warning("worker.loop_late", service=name, seconds=round(late, 3))
