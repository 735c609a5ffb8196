"""The consumer loop of a service: one group, a transaction per lane of a poll, offsets committed only after it.

Retry in place is `seek` and `pause` and a timer while polling goes on: a position that only advances would lose the
failed event, and a loop that stops polling would lose its partitions. The watchdog rebuilds a reader that has
stopped reading while there is something to read.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.messaging import metrics
from moat.kit.messaging.batches import Batches
from moat.kit.messaging.lanes import Lanes, Records
from moat.kit.messaging.log import Log, LogUnavailable, Place, Reader
from moat.kit.messaging.offsets import BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN, Progress
from moat.kit.messaging.watchdog import Watchdog

if TYPE_CHECKING:
    from moat.kit.feature import Service

COMMIT_SECONDS: Final = 0.5
POLL_SECONDS_MAX: Final = 0.5
AHEAD_SECONDS_MAX: Final = 0.05
"""While lanes run: what they leave free meanwhile is not in this poll."""
REVOKE_WAIT_SECONDS_MAX: Final = 20.0

logger = structlog.get_logger(__name__)


class Consumer:
    """Reads everything one service subscribes to. `run` until `stop`."""

    def __init__(self, service: "Service", db: Database, log: Log, clock: Clock) -> None:
        self._name = service.name
        self._topics = service.topics()
        self._gather_ms = service.gather_ms
        self._log = log
        self._batches = Batches(service, db, clock)
        self._progress = Progress()
        self._lanes = Lanes(self._take)
        self._stopping = asyncio.Event()
        self._reader: Reader | None = None
        self._watchdog = Watchdog(service.name)

    def stop(self) -> None:
        """Ask `run` to finish the batch it is in, commit offsets and leave the group."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until told to stop. Raises Stuck when rebuilding the reader has not helped."""
        if not self._topics:
            await self._stopping.wait()
            return
        failures = 0
        while not self._stopping.is_set():
            session = asyncio.create_task(self._session(), name=f"{self._name} reader")
            watch = asyncio.create_task(self._watch(), name=f"{self._name} watchdog")
            try:
                await asyncio.wait((session, watch), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (watch, session):
                    task.cancel()
                await asyncio.gather(watch, session, return_exceptions=True)
            if watch.done() and not watch.cancelled() and watch.exception() is None:
                self._watchdog.rebuilding()  # Raises Stuck.
                continue
            error = None if session.cancelled() else session.exception()
            failures = await self._after_session(error, failures)

    async def _after_session(self, error: BaseException | None, failures: int) -> int:
        if error is None or self._stopping.is_set():
            return 0
        if isinstance(error, LogUnavailable):
            logger.warning("consumer.log_away", service=self._name, error=str(error)[:300])
        else:
            logger.error("consumer.session_failed", service=self._name, exc_info=error)
        seconds = min(BACKOFF_SECONDS_MIN * 2.0**failures, BACKOFF_SECONDS_MAX)
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        return failures + 1

    async def _session(self) -> None:
        """One reader's life."""
        self._progress, self._lanes = Progress(), Lanes(self._take)
        reader = self._reader = await self._log.reader(
            self._name, self._topics, on_revoked=self._on_revoked, gather_ms=self._gather_ms
        )
        try:
            await self._read(reader)
            await self._commit(reader)
        finally:
            await self._lanes.drop()
            self._reader = None
            await reader.close()

    async def _read(self, reader: Reader) -> None:
        loop = asyncio.get_running_loop()
        commit_at = loop.time() + COMMIT_SECONDS
        while not self._stopping.is_set():
            self._resume_due(reader, loop.time())
            room = self._lanes.room
            records = await reader.poll(
                records_max=room,
                wait_seconds=AHEAD_SECONDS_MAX if self._lanes.places else self._patience(loop.time()),
                besides=self._lanes.places,
            )
            # No await between the poll and this line: what came is running before a revocation can look.
            self._lanes.start(records, room)
            await self._lanes.settle()
            self._watchdog.polled(progressed=bool(records))
            if (now := loop.time()) >= commit_at:
                await self._commit(reader)
                commit_at = now + COMMIT_SECONDS
        await self._lanes.finish()

    def _patience(self, now: float) -> float:
        due = self._progress.next_due()
        return POLL_SECONDS_MAX if due is None else min(max(due - now, 0.01), POLL_SECONDS_MAX)

    async def _take(self, records: Records) -> None:
        reader = self._reader
        assert reader is not None
        outcome = await self._batches.take(records, lambda place: self._may_go_on(reader, place))
        mine = reader.assignment()
        self._progress.advance({p: offset for p, offset in outcome.next_offsets.items() if p in mine})
        now = asyncio.get_running_loop().time()
        for place in records:
            if place not in mine:
                continue
            if hold := outcome.held.get(place):
                self._progress.hold(place, hold, now=now)
                reader.seek(place, hold.offset)
                reader.pause([place])
            elif (reached := outcome.next_offsets.get(place, records[place][0].offset)) <= records[place][-1].offset:
                reader.seek(place, reached)  # It was interrupted: the rest comes again.
        metrics.HELD_PLACES.labels(self._name).set(len(self._progress.waiting()))

    def _may_go_on(self, reader: Reader, place: Place) -> bool:
        return not self._stopping.is_set() and place in reader.assignment()

    def _resume_due(self, reader: Reader, now: float) -> None:
        due = self._progress.due(now=now)
        if due:
            reader.resume(due)
        if not (still_waiting := self._progress.waiting()):
            return
        # A rebalance forgets pauses and positions; said again they cost nothing.
        mine = reader.assignment()
        for place, waiting in still_waiting.items():
            if place in mine:
                reader.seek(place, waiting.offset)
                reader.pause([place])

    async def _commit(self, reader: Reader) -> None:
        offsets = self._progress.to_commit()
        if not offsets:
            return
        try:
            await reader.commit(offsets)
        except LogUnavailable as error:
            # The inbox makes a repeat harmless; the next commit says it again.
            self._progress.keep(offsets)
            logger.warning("consumer.commit_failed", service=self._name, error=str(error)[:300])

    async def _on_revoked(self, places: frozenset[Place]) -> None:
        """Before places are given away: what is running ends, its offsets are told; meanwhile nothing is polled."""
        try:
            async with asyncio.timeout(REVOKE_WAIT_SECONDS_MAX):
                await self._lanes.idle.wait()
        except TimeoutError:
            logger.warning("consumer.revoked_in_batch", service=self._name)
        if self._reader is not None:
            await self._commit(self._reader)
        self._progress.forget(places)
        self._batches.forget(places)

    async def _watch(self) -> None:
        """Returns when the reader must be rebuilt."""
        while True:
            await asyncio.sleep(self._watchdog.LOOK_SECONDS)
            if not self._watchdog.suspects() or self._reader is None or not self._lanes.idle.is_set():
                continue
            try:
                lag = await self._log.lag(self._name, self._topics)
            except LogUnavailable:
                self._watchdog.polled(progressed=True)
                continue
            mine = self._reader.assignment() if self._reader else frozenset()
            waiting = self._progress.waiting()
            if any(end > done for place, (done, end) in lag.items() if place in mine and place not in waiting):
                return
            self._watchdog.polled(progressed=True)
