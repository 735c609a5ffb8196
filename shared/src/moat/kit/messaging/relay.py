"""Outbox → log: everything that was committed is sent, in order per key, at least once.

One relay in every worker replica. A pass is one transaction: lock the free buckets, read them *in a second statement*
(one combined statement re-reads rows that the previous holder has sent already), send all in order, delete what was
acknowledged. Never `seq > last seen` (a lower seq may commit later), never SKIP LOCKED across relays (it inverts
order).
"""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import structlog

from moat.kit.db.database import Database
from moat.kit.messaging import metrics
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.log import Log, Producer, Record, RecordRefused
from moat.kit.messaging.outbox import BUCKETS
from moat.kit.messaging.refusals import TRIES_MAX, Refusals
from moat.kit.messaging.wire import SEQUENCE_DIGITS

ROWS_MAX: Final = 2_000
SEND_SECONDS_MAX: Final = 8.0
POLL_SECONDS_MIN: Final = 0.05
POLL_SECONDS_MAX: Final = 0.25
BACKOFF_SECONDS_MIN: Final = 0.1
BACKOFF_SECONDS_MAX: Final = 5.0
_LOCK_CLASS: Final = 7305004

_LOCK: Final = """
SELECT bucket, clock_timestamp() FROM generate_series(0, :buckets - 1) AS bucket
WHERE EXISTS (SELECT FROM outbox) AND pg_try_advisory_xact_lock(:class, bucket)
"""
_LOCK_BINDS: Final = {"buckets": BUCKETS, "class": _LOCK_CLASS}
# The first of each bucket, straight from its index: order matters within a bucket only, and a backlog is not sorted
# again and again to send its first thousands.
# Attributes come as the bytes that go into the record's headers: PostgreSQL writes them for a fraction of what they
# would cost in this process, which is the busy one.
_READ: Final = """
SELECT seq, bucket, topic, convert_to(key, 'UTF8'), payload,
       convert_to(CAST(id AS text), 'UTF8') AS id, convert_to(type, 'UTF8'),
       convert_to(lpad(CAST(seq AS text), :digits, '0'), 'UTF8'),
       convert_to(to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), 'UTF8') AS recordedat,
       convert_to(headers ->> 'time', 'UTF8'), convert_to(headers ->> 'correlationid', 'UTF8'),
       convert_to(headers ->> 'causationid', 'UTF8'), convert_to(headers ->> 'traceparent', 'UTF8')
FROM unnest(CAST(:buckets AS smallint[])) AS mine (number)
CROSS JOIN LATERAL (SELECT * FROM outbox WHERE bucket = mine.number ORDER BY seq LIMIT :rows) AS o ORDER BY seq
"""
_DELETE: Final = "DELETE FROM outbox WHERE seq = ANY (CAST(:seqs AS bigint[]))"
_BURY: Final = """
WITH dead AS (DELETE FROM outbox WHERE seq = :seq RETURNING *)
INSERT INTO outbox_dead (seq, id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers,
                         created_at, reason, attempts)
SELECT seq, id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers, created_at, :reason, :attempts
FROM dead
"""
Rows = Sequence[asyncpg.Record]
"""As the driver made them: there are thousands a second, and each is looked at twice."""
_JSON: Final = ("content-type", b"application/json")
_VERSION: Final = ("ce_specversion", b"1.0")

logger = structlog.get_logger(__name__)


class Relay:
    """Sends one service's outbox. One object for each worker process."""

    def __init__(self, service_name: str, db: Database, log: Log) -> None:
        self._name = service_name
        self._source = ("ce_source", f"/{service_name}".encode())
        self._db = db
        self._log = log
        self._wake = asyncio.Event()
        self._stopping = False
        self._producer: Producer | None = None
        self._refusals = Refusals()
        db.on_published(self._wake.set)

    def stop(self) -> None:
        """Ask `run` to finish: what is in the outbox now is still sent if the log is there."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Relay until told to stop."""
        pause, failures = POLL_SECONDS_MIN, 0
        try:
            while True:
                self._wake.clear()
                try:
                    rows = await self._pass()
                    failures = 0
                except Exception as error:
                    failures += 1
                    await self._after_failure(error)
                    if self._stopping:
                        return
                    await self._sleep(_backoff(failures))
                    continue
                if rows == 0:
                    if self._stopping:
                        return
                    pause = min(pause * 1.5, POLL_SECONDS_MAX)
                    await self._sleep(pause)
                else:
                    pause = POLL_SECONDS_MIN
        finally:
            await self._discard_producer()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _after_failure(self, error: Exception) -> None:
        kind = failure_of(error)
        metrics.RELAY_FAILURES.labels(self._name, kind.value).inc()
        if kind is Failure.TRANSIENT:
            logger.warning("relay.waits", service=self._name, error=str(error)[:300])
        else:
            logger.error("relay.failed", service=self._name, exc_info=error)
        await self._discard_producer()

    async def _discard_producer(self) -> None:
        # After an error a producer may never recover (a gap in its sequence); a new one costs milliseconds.
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()

    async def _pass(self) -> int:
        """One transaction of the relay; returns how many rows left the outbox."""
        started = time.perf_counter()
        if self._producer is None:
            self._producer = await self._log.producer()
        async with self._db.transaction() as tx:
            locked: Sequence[Any] = await tx.all(_LOCK, **_LOCK_BINDS)
            if not locked:
                return 0
            each = -(-ROWS_MAX // len(locked))
            found = await tx.execute(_READ, buckets=[row[0] for row in locked], rows=each, digits=SEQUENCE_DIGITS)
            rows = self._refusals.without_held(found.records, now=started)
            if not rows:
                return 0
            sent, dead = await self._send(self._producer, rows)
            await tx.execute(_DELETE, seqs=[row["seq"] for row in sent])
            for row, reason in dead:
                await tx.execute(_BURY, seq=row["seq"], reason=reason[:2000], attempts=TRIES_MAX)
        if sent:
            recorded_at = datetime.fromisoformat(sent[0]["recordedat"].decode())
            # What was committed after the locks is younger than they are; a sum of ages never falls.
            age_seconds = max((locked[0][1] - recorded_at).total_seconds(), 0.0)
            metrics.RELAY_AGE.labels(self._name).observe(age_seconds)
        self._tell(sent, dead, time.perf_counter() - started)
        return len(sent) + len(dead)

    async def _send(self, producer: Producer, rows: Rows) -> tuple[Rows, list[tuple[asyncpg.Record, str]]]:
        """Send all that the log takes, in order; returns what was sent and what never will be, with the reason.

        A refused row holds back what is behind it in its bucket, nothing else.
        """
        dead: list[tuple[asyncpg.Record, str]] = []
        while rows:
            try:
                await producer.send([self._record(row) for row in rows], deadline_seconds=SEND_SECONDS_MAX)
                break
            except RecordRefused as refused:
                row = rows[refused.index]
                if self._refusals.is_final(row, now=time.perf_counter()):
                    dead.append((row, refused.reason))
                    rows = [other for other in rows if other is not row]
                else:
                    rows = [other for other in rows if other["bucket"] != row["bucket"] or other["seq"] < row["seq"]]
        return rows, dead

    def _tell(self, sent: Rows, dead: Sequence[tuple[asyncpg.Record, str]], seconds: float) -> None:
        metrics.RELAY_SECONDS.labels(self._name).observe(seconds)
        metrics.RELAYED.labels(self._name).inc(len(sent))
        for row, reason in dead:
            self._refusals.forget(row)
            metrics.RELAY_DEAD.labels(self._name).inc()
            logger.error(
                "relay.dead", service=self._name, id=row["id"].decode(), topic=row["topic"], reason=reason[:300]
            )

    def _record(self, row: asyncpg.Record) -> Record:
        _, _, topic, key, value, id_, type_, sequence, recorded_at, time_, correlation, causation, traceparent = row
        headers: list[tuple[str, bytes]] = [
            _VERSION,
            ("ce_id", id_),
            self._source,
            ("ce_type", type_),
            ("ce_subject", key),
            ("ce_sequence", sequence),
            ("ce_recordedat", recorded_at),
            _JSON,
        ]
        if time_ is not None:
            headers.append(("ce_time", time_))
        if correlation is not None:
            headers.append(("ce_correlationid", correlation))
        if causation is not None:
            headers.append(("ce_causationid", causation))
        if traceparent is not None:
            headers.append(("ce_traceparent", traceparent))
        return Record(topic, key, value, headers)


def _backoff(failures: int) -> float:
    # Jitter is not a secret.
    return min(BACKOFF_SECONDS_MIN * 2.0**failures, BACKOFF_SECONDS_MAX) * random.uniform(0.7, 1.3)  # noqa: S311
