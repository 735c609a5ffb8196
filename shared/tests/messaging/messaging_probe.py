"""A tiny service for the tests of messaging: one table, payloads of its own, and a weather that can turn bad."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from alembic.migration import MigrationContext
from alembic.operations import Operations
from pydantic import Field
from sqlalchemy.ext.asyncio import create_async_engine

from moat.kit.clock import Clock, SystemClock
from moat.kit.db.database import Database
from moat.kit.db.migrations import create_kit_tables, grant, run_script
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event, EventData
from moat.kit.feature import Feature, Service
from moat.kit.ids import uuid7
from moat.kit.messaging import open_log
from moat.kit.messaging.consumer import Consumer
from moat.kit.messaging.kafka.log import KafkaLog
from moat.kit.messaging.kafka.reader import GroupTimes
from moat.kit.messaging.log import Log, Record
from moat.kit.messaging.relay import Relay
from moat.kit.messaging.subscriptions import Subscriptions
from moat.kit.problems import Conflict

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TABLES = """
CREATE TABLE seen (
  nth bigint GENERATED ALWAYS AS IDENTITY, customer_id uuid, number bigint, event_id text, source text);
CREATE TABLE counter (customer_id uuid PRIMARY KEY, number bigint NOT NULL);
"""


class MoodRefused(Conflict):
    code, title = "probe.mood", "This mood is refused"


@dataclass
class Weather:
    """What goes wrong in the handler."""

    storm: bool = False
    refuses: set[str] = field(default_factory=lambda: {"poison"})
    breaks: set[str] = field(default_factory=lambda: {"odd"})
    gate: asyncio.Event | None = None
    gated: str | None = None
    """The mood of those that the gate stops; None: all."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: int = 0


class Probe:
    """Payload classes, topics and service of one test, under names of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.facts, self.intake = f"{name}.facts", f"{name}.intake"
        self.weather = Weather()
        self.arrived: list[Event[Any]] = []

        class Counted(EventData):
            TYPE = "moat.probe.counted.v1"
            TOPIC = self.facts
            number: Annotated[int, Field(ge=0)]
            mood: str = "fine"

        class Noticed(EventData):
            TYPE = "moat.intake.probe.noticed.v1"
            TOPIC = self.intake
            number: int

        class Lost(EventData):
            TYPE = "moat.probe.lost.v1"
            TOPIC = f"{name}.nowhere"
            number: int

        self.Counted, self.Noticed, self.Lost = Counted, Noticed, Lost
        subscriptions = Subscriptions()
        subscriptions.on(Counted, Noticed)(self._write_down)
        self.service = Service(
            name=f"{name}-svc",
            title="Probe",
            features=[Feature("probe", subscriptions=subscriptions)],
            events=(Counted, Noticed, Lost),
            strict_topics=frozenset({self.intake}),
        )

    @property
    def topics(self) -> dict[str, int]:
        return {self.facts: -1, self.intake: 60_000, f"{self.facts}.dlt": -1, f"{self.intake}.dlt": -1}

    async def _write_down(self, batch: Sequence[Event[Any]], tx: Transaction, clock: Clock) -> None:
        weather = self.weather
        weather.attempts += 1
        self.arrived += batch
        weather.entered.set()
        if weather.storm:
            raise ConnectionResetError("the weather is bad")
        await tx.execute(
            "INSERT INTO seen (customer_id, number, event_id, source) SELECT * FROM "
            "unnest(CAST(:c AS uuid[]), CAST(:n AS bigint[]), CAST(:i AS text[]), CAST(:s AS text[]))",
            c=[e.subject_id for e in batch],
            n=[e.data.number for e in batch],
            i=[e.id for e in batch],
            s=[e.source for e in batch],
        )
        moods = {getattr(event.data, "mood", "fine") for event in batch}
        if weather.gate is not None and (weather.gated is None or weather.gated in moods):
            await weather.gate.wait()
        for event in batch:
            mood = getattr(event.data, "mood", "fine")
            if mood in weather.refuses:
                raise MoodRefused(mood)
            if mood in weather.breaks:
                raise RuntimeError(mood)

    def record(self, customer: UUID, number: int, *, mood: str = "fine", id: str | None = None) -> Record:
        """One `Counted` as another service would have written it."""
        value = json.dumps({"number": number, "mood": mood}).encode()
        return self.raw(self.facts, value, type=self.Counted.TYPE, id=id, key=str(customer))

    def raw(self, topic: str, value: bytes, *, type: str, id: str | None = None, key: str = "", **more: str) -> Record:
        attributes = {
            "specversion": "1.0",
            "id": id or str(uuid7()),
            "source": "/elsewhere",
            "type": type,
            "time": AT.isoformat(),
            **more,
        }
        headers = tuple((f"ce_{name}", text.encode()) for name, text in attributes.items())
        return Record(topic, key.encode(), value, headers)


async def prepare(owner_url: str) -> None:
    """Make the kit's tables and the probe's own."""
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://"))

    def migrate(connection: Any) -> None:
        operations = Operations(MigrationContext.configure(connection))
        run_script(operations, "CREATE TABLE alembic_version (version_num text);")
        create_kit_tables(operations, service="probe", customers=False)
        run_script(operations, TABLES)
        grant(operations, service="probe", tables=["seen", "counter"])

    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


@dataclass
class Bench:
    """A probe, its database and its log."""

    probe: Probe
    db: Database
    app_url: str
    log: Log
    log_url: str
    clock: Clock = field(default_factory=SystemClock)

    async def send(self, *records: Record) -> None:
        producer = await self.log.producer()
        try:
            await producer.send(records)
        finally:
            await producer.close()

    async def publish(self, customer: UUID, number: int, **fields: Any) -> None:
        async with self.db.transaction() as tx:
            tx.publish(self.probe.Counted(number=number, **fields), about=customer, time=AT)

    async def query(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.db.transaction() as tx:
            return await tx.all(sql, **values)

    async def numbers(self) -> list[int]:
        return [row[0] for row in await self.query("SELECT number FROM seen ORDER BY nth")]

    async def dead(self) -> Sequence[Any]:
        return await self.query("SELECT * FROM dead_letter ORDER BY id")

    async def lag(self) -> int:
        places = await self.log.lag(self.probe.service.name, self.probe.service.topics())
        return sum(end - done for done, end in places.values())

    @asynccontextmanager
    async def consuming(self, **overrides: Any) -> AsyncIterator[Consumer]:
        """A consumer that runs in the block and is stopped in order after it."""
        consumer = Consumer(
            overrides.get("service", self.probe.service),
            overrides.get("db", self.db),
            overrides.get("log", self.log),
            self.clock,
        )
        async with running(consumer):
            yield consumer

    @asynccontextmanager
    async def relaying(self, db: Database | None = None) -> AsyncIterator[Relay]:
        relay = Relay(self.probe.service.name, db or self.db, self.log)
        async with running(relay):
            yield relay


@asynccontextmanager
async def running(part: Consumer | Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(part.run())
    try:
        yield
        part.stop()
        async with asyncio.timeout(25):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = 30.0) -> Any:
    """Poll until the condition holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            if result := await condition():
                return result
            await asyncio.sleep(0.05)


def bench_log(url: str, probe: Probe) -> Log:
    if url.startswith("kafka"):
        # As in production, but a member that was killed is not waited for half a minute.
        return KafkaLog(url.removeprefix("kafka://"), probe.topics, GroupTimes(6_000, 1_000, 10_000))
    return open_log(url, topics=probe.topics)
