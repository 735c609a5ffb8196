"""The way into the log: one producer for all requests, which gathers what waits and sends it in one piece.

A request is answered when the log has its records for good. After an error the producer is thrown away, everyone who
waits is told, and the next request builds a new one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from moat.kit.messaging.log import Log, LogUnavailable, Producer, Record, RecordRefused

SEND_SECONDS_MAX: Final = 5.0
WAIT_SECONDS_MAX: Final = 9.0
QUICK_SECONDS: Final = 1.0
"""A failure within this is a broken connection, not a log that is slow."""
TOGETHER_MAX: Final = 2_000
WAITING_MAX: Final = 20_000
"""Records that wait; beyond this the log does not keep up and callers are told to come back."""
log = structlog.get_logger("gateway.intake")


@dataclass(slots=True)
class _Waiting:
    records: Sequence[Record]
    done: "asyncio.Future[None]"


class Appender:
    """Appends records for many requests at once. `run` must be running."""

    def __init__(self, log_: Log) -> None:
        self._log = log_
        self._producer: Producer | None = None
        self._queue: list[_Waiting] = []
        self._records_waiting = 0
        self._sending: list[asyncio.Future[None]] = []
        self._is_away = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def records_waiting(self) -> int:
        """How many records are not yet known to be in the log."""
        return self._records_waiting

    async def append(self, records: Sequence[Record]) -> None:
        """Return when the log has all of them. Raises LogUnavailable (some may be in it) or RecordRefused."""
        if self._is_away and self._sending:
            # Somebody is finding out already. Whoever waited with him would hold a place that reads could use.
            raise LogUnavailable("the log is away")
        if self._records_waiting + len(records) > WAITING_MAX:
            raise LogUnavailable("too much is waiting for the log")
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all(), name="appender")
        waiting = _Waiting(records, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._records_waiting += len(records)
        self._wake.set()
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await asyncio.shield(waiting.done)
        except TimeoutError:
            raise LogUnavailable("the log did not answer in time") from None

    async def close(self) -> None:
        """Send what waits, within a bound, and let go of the producer."""
        task, self._task = self._task, None
        if task is not None:
            waiting = [one.done for one in self._queue] + self._sending
            if waiting:
                await asyncio.wait(waiting, timeout=SEND_SECONDS_MAX)
            task.cancel()
            await asyncio.wait({task})
        await self._discard_producer()

    async def _send_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while together := self._take():
                self._sending = [waiting.done for waiting in together]
                await self._send(together)
                self._sending = []

    def _take(self) -> list[_Waiting]:
        together: list[_Waiting] = []
        count = 0
        while self._queue and (not together or count + len(self._queue[0].records) <= TOGETHER_MAX):
            waiting = self._queue.pop(0)
            count += len(waiting.records)
            together.append(waiting)
        return together

    async def _send(self, together: list[_Waiting]) -> None:
        try:
            await self._try([record for waiting in together for record in waiting.records])
        except RecordRefused:
            # One of them can never be taken: each request alone, so that only its own sender hears of it.
            for waiting in together:
                await self._settle(waiting)
        except Exception as error:
            for waiting in together:
                self._finish(waiting, error)
        else:
            for waiting in together:
                self._finish(waiting, None)

    async def _settle(self, waiting: _Waiting) -> None:
        try:
            await self._try(waiting.records)
        except Exception as error:
            self._finish(waiting, error)
        else:
            self._finish(waiting, None)

    async def _try(self, records: Sequence[Record]) -> None:
        # A producer from before a restart of the log fails once; the same facts twice change nothing, so they are sent
        # again at once by a new one instead of telling the caller to.
        was_used = self._producer is not None
        began = asyncio.get_running_loop().time()
        try:
            try:
                await self._send_once(records)
            except LogUnavailable:
                if not was_used or asyncio.get_running_loop().time() - began > QUICK_SECONDS:
                    raise
                await self._send_once(records)
        except LogUnavailable:
            self._is_away = True
            raise

    async def _send_once(self, records: Sequence[Record]) -> None:
        try:
            if self._producer is None:
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    self._producer = await self._log.producer()
            await self._producer.send(records, deadline_seconds=SEND_SECONDS_MAX)
            self._is_away = False
        except RecordRefused:
            await self._discard_producer()
            raise
        except Exception as error:
            await self._discard_producer()
            if not isinstance(error, LogUnavailable | TimeoutError | OSError):
                log.error("intake.append_failed", exc_info=error)
            raise LogUnavailable(str(error)) from error

    def _finish(self, waiting: _Waiting, error: Exception | None) -> None:
        self._records_waiting -= len(waiting.records)
        if waiting.done.done():
            return
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)
            # Whoever waited may have gone; then nobody would look at it.
            waiting.done.exception()

    async def _discard_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    await producer.close()
            except Exception as error:
                log.warning("intake.producer_close_failed", error=type(error).__name__)
