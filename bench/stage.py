"""What benches run on: a durable PostgreSQL and a Kafka of their own, databases of single services, workers."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.results import environment_with
from moat.contracts.topics import RETENTION_MS
from moat.kit.db.migrations import upgrade
from moat.kit.db.provision import DatabaseUrls, Passwords, provision
from moat.kit.embedded.kafka import LocalKafka
from moat.kit.embedded.postgres import Postgres
from moat.kit.messaging.log import Log, Record
from moat.kit.messaging.opening import open_log

PASSWORDS = Passwords(owner="owner-of-benches", app="app-of-benches")


@dataclass(slots=True)
class Stage:
    """One PostgreSQL, one Kafka, a folder."""

    home: Path
    postgres: Postgres
    kafka: LocalKafka

    @property
    def events_url(self) -> str:
        return f"kafka://{self.kafka.bootstrap}"

    async def database(self, service: str, number: int = 0) -> DatabaseUrls:
        """A fresh migrated database of `loyalty`."""
        urls = await provision(self.postgres.url(), service, PASSWORDS, database=f"moat_{service}_{number}")
        await asyncio.to_thread(upgrade, urls.owner, f"{service}_svc")
        return urls


@contextmanager
def a_stage() -> Iterator[Stage]:
    """Start both, stop both."""
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = Postgres.start(home / "postgres", durable=True, max_connections=300)
        try:
            kafka = LocalKafka.start(home / "kafka")
            try:
                yield Stage(home, postgres, kafka)
            finally:
                kafka.stop()
        finally:
            postgres.stop()


@asynccontextmanager
async def the_log(stage: Stage) -> AsyncIterator[Log]:
    """The house's log with all topics."""
    log = open_log(stage.events_url, topics=RETENTION_MS)
    try:
        await log.ensure_topics()
        yield log
    finally:
        await log.close()


async def produce(log: Log, records: Sequence[Record], *, slice_size: int = 5_000) -> None:
    """Put records on the log."""
    producer = await log.producer()
    try:
        for start in range(0, len(records), slice_size):
            await producer.send(records[start : start + slice_size], deadline_seconds=30)
    finally:
        await producer.close()


@contextmanager
def a_process(*command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is ended at the end of the block."""
    child = subprocess.Popen(
        [sys.executable, *command],
        env=environment_with(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


async def until(look, *, seconds_max: float = 300.0, every: float = 0.05) -> float:
    """The instant (monotonic) at which `await look()` first says yes. Raises TimeoutError."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if await look():
            return time.monotonic()
        await asyncio.sleep(every)
    raise TimeoutError(f"not within {seconds_max} s")
