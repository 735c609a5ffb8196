"""What happens to one lane of a poll: all of it in one transaction, and the bad event found if not.

A batch that fails is rolled back and redone partition by partition, and then in halves until the bad event is alone.
The weather's failures hold the partition at that event; what our own validation or a heart refused becomes a dead
letter at once; anything else gets a few tries first.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.events import Event
from moat.kit.messaging import metrics
from moat.kit.messaging.apply import apply
from moat.kit.messaging.dead_letters import Dead, bury, code_of, text_of
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.lanes import Records
from moat.kit.messaging.log import Place, Received
from moat.kit.messaging.tracing import batch_span
from moat.kit.messaging.wire import Wire
from moat.kit.problems import Invalid

if TYPE_CHECKING:
    from moat.kit.feature import Service

UNKNOWN_TRIES_MAX: Final = 5
BURIED_TOGETHER_MAX: Final = 100

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hold:
    """A place that must wait: where to go on, and which failure it was."""

    offset: int
    failure: Failure


@dataclass(slots=True)
class Outcome:
    """How far each place of a batch has come."""

    next_offsets: dict[Place, int] = field(default_factory=dict)
    held: dict[Place, Hold] = field(default_factory=dict)


class Batches:
    """Takes the lanes of one consumer."""

    def __init__(self, service: "Service", db: Database, clock: Clock) -> None:
        self._service = service
        self._name = service.name
        self._db = db
        self._clock = clock
        self._wire = Wire.of(service)
        self._tries: dict[tuple[Place, int], int] = {}

    def forget(self, places: Iterable[Place]) -> None:
        """Drop the counts of places that somebody else reads now."""
        gone = frozenset(places)
        self._tries = {key: n for key, n in self._tries.items() if key[0] not in gone}

    async def take(self, records: Records, may_go_on: Callable[[Place], bool]) -> Outcome:
        """Take one lane. `may_go_on` is asked between the parts of a batch that failed."""
        started = time.perf_counter()
        outcome = Outcome()
        try:
            await self._together([received for batch in records.values() for received in batch])
        except Exception as error:
            await self._redo(records, error, outcome, may_go_on)
        else:
            outcome.next_offsets = {place: batch[-1].offset + 1 for place, batch in records.items()}
        metrics.BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - started)
        metrics.BATCH_EVENTS.labels(self._name).observe(sum(map(len, records.values())))
        return outcome

    async def _together(self, batch: Sequence[Received]) -> None:
        """One transaction for all of them; unreadable ones are buried after it."""
        events: list[Event[Any]] = []
        dead: list[Dead] = []
        for received in batch:
            try:
                if (event := self._wire.parse(received)) is not None:
                    events.append(event)
            except Invalid as error:
                dead.append(Dead(received, None, error))
        if events:
            with batch_span(self._name, events, len(events)):
                async with self._db.transaction() as tx:
                    new = await apply(self._service, events, tx, self._clock)
            metrics.CONSUMED.labels(self._name, "applied").inc(len(new))
            metrics.CONSUMED.labels(self._name, "repeated").inc(len(events) - len(new))
        for start in range(0, len(dead), BURIED_TOGETHER_MAX):
            await self._bury(dead[start : start + BURIED_TOGETHER_MAX])

    async def _redo(
        self, records: Records, error: Exception, outcome: Outcome, may_go_on: Callable[[Place], bool]
    ) -> None:
        if self._judge(error) is Failure.TRANSIENT:
            outcome.held = {place: Hold(batch[0].offset, Failure.TRANSIENT) for place, batch in records.items()}
            return
        alone = len(records) == 1
        for place, batch in records.items():
            if not may_go_on(place):
                continue
            failed = error
            if not alone:
                try:
                    await self._together(batch)
                except Exception as again:
                    failed = again
                else:
                    self._pass(place, batch, outcome)
                    continue
            await self._narrow(place, batch, failed, outcome, may_go_on)

    def _pass(self, place: Place, batch: Sequence[Received], outcome: Outcome) -> None:
        outcome.next_offsets[place] = after = batch[-1].offset + 1
        self._tries = {key: n for key, n in self._tries.items() if key[0] != place or key[1] >= after}

    async def _narrow(
        self,
        place: Place,
        batch: Sequence[Received],
        error: Exception,
        outcome: Outcome,
        may_go_on: Callable[[Place], bool],
    ) -> bool:
        """Take what failed with `error` in halves, in order, until the bad event is alone; False: the place waits."""
        if len(batch) == 1:
            failure = await self._give_up_or_hold(place, batch[0], error)
        else:
            failure = self._judge(error) if failure_of(error) is Failure.TRANSIENT else None
        if failure is not None:
            outcome.held[place] = Hold(batch[0].offset, failure)
            return False
        if len(batch) == 1:
            self._pass(place, batch, outcome)
            return True
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if not may_go_on(place):
                return False
            try:
                await self._together(half)
            except Exception as failed:
                if not await self._narrow(place, half, failed, outcome, may_go_on):
                    return False
            else:
                self._pass(place, half, outcome)
        return True

    async def _give_up_or_hold(self, place: Place, received: Received, error: Exception) -> Failure | None:
        """None when the event was buried; else why the place has to wait."""
        failure, attempts = self._judge(error), 1
        if failure is Failure.TRANSIENT:
            return failure
        if failure is Failure.UNKNOWN:
            attempts = self._tries.get((place, received.offset), 0) + 1
            self._tries[place, received.offset] = attempts
            if attempts < UNKNOWN_TRIES_MAX:
                return failure
        try:
            await self._bury([Dead(received, self._wire.parse(received), error, attempts)])
        except Exception as not_buried:
            # Without its dead letter the event must not be passed over, whatever kept us from writing it.
            self._judge(not_buried)
            return Failure.TRANSIENT
        return None

    async def _bury(self, dead: Sequence[Dead]) -> None:
        await bury(self._db, self._name, dead)
        metrics.CONSUMED.labels(self._name, "dead").inc(len(dead))
        for one in dead:
            logger.warning(
                "consumer.dead_letter",
                service=self._name,
                topic=one.received.topic,
                partition=one.received.partition,
                offset=one.received.offset,
                code=code_of(one.error),
            )

    def _judge(self, error: Exception) -> Failure:
        failure = failure_of(error)
        metrics.CONSUMER_FAILURES.labels(self._name, failure.value).inc()
        if failure is Failure.UNKNOWN:
            logger.error("consumer.failed", service=self._name, exc_info=error)
        elif failure is Failure.TRANSIENT:
            logger.warning("consumer.waits", service=self._name, error=text_of(error)[:300])
        return failure
