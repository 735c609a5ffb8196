"""Processes and brokers that die at the worst moment."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from messaging_probe import Bench, bench_log, until

from moat.kit.ids import uuid7
from moat.kit.messaging.consumer import Consumer
from moat.kit.messaging.log import LogUnavailable, Place
from moat.kit.messaging.watchdog import Stuck, Watchdog

# A connection that aiokafka was just opening when its client was closed is left to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_a_rebalance_in_the_middle_of_a_batch_loses_and_doubles_nothing(bench: Bench):
    probe = bench.probe
    customers = [uuid7() for _ in range(40)]
    probe.weather.gate = asyncio.Event()
    await bench.send(*(probe.record(customer, 1) for customer in customers))

    async with bench.consuming():
        await asyncio.wait_for(probe.weather.entered.wait(), 20)
        second_log = bench_log(bench.log_url, probe)
        async with bench.consuming(log=second_log) as second:
            await asyncio.sleep(0.5)  # The group takes notice while the batch is held open.
            probe.weather.gate.set()
            await until(lambda: _owns_some(second))
            await bench.send(*(probe.record(customer, 2) for customer in customers))
            await until(lambda: _seen(bench, 80))
        await second_log.close()

    assert sorted(await bench.numbers()) == [1] * 40 + [2] * 40
    assert await bench.dead() == []
    assert await bench.lag() == 0


async def test_a_consumer_killed_between_commit_and_offset_commit_changes_nothing_twice(bench: Bench):
    probe = bench.probe
    await bench.send(*(probe.record(uuid7(), n) for n in range(50)))

    dying = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("consume_and_die.py")),
        *(probe.name, bench.app_url, bench.log_url),
    )
    async with asyncio.timeout(30):
        assert await dying.wait() == -9
    committed = len(await bench.numbers())
    assert committed > 0
    assert await bench.lag() == 50
    async with bench.consuming():
        await bench.send(probe.record(uuid7(), 50))
        await until(lambda: _seen(bench, 51), seconds=60)

    assert sorted(await bench.numbers()) == list(range(51))


async def test_a_log_that_dies_and_comes_back_is_gone_on_with(bench: Bench, log_server: Any):
    customer = uuid7()

    async with bench.relaying(), bench.consuming():
        for number in range(10):
            await bench.publish(customer, number)
        await until(lambda: _seen(bench, 10))
        await asyncio.to_thread(take_down, log_server)
        for number in range(10, 15):
            await _publish_if_there(bench, customer, number)
        await asyncio.to_thread(log_server.restart)
        for number in range(15, 20):
            await until(lambda n=number: _publish_if_there(bench, customer, n))
        await until(lambda: _drained(bench), seconds=60)
        numbers = await bench.numbers()
        assert numbers == sorted(set(numbers))
        assert {*range(10), *range(15, 20)} <= set(numbers)
        assert await bench.dead() == []


async def test_a_log_that_is_away_says_so(bench: Bench, log_server: Any):
    producer = await bench.log.producer()
    reader = await bench.log.reader("group", [bench.probe.facts], on_revoked=_nothing)
    await asyncio.to_thread(take_down, log_server)
    try:
        with pytest.raises(LogUnavailable):
            await producer.send([bench.probe.record(uuid7(), 1)], deadline_seconds=2)
        with pytest.raises(LogUnavailable):
            await bench.log.lag("group", [bench.probe.facts])
        async with asyncio.timeout(15):
            await reader.close()
            await producer.close()
    finally:
        await asyncio.to_thread(log_server.restart)


def take_down(server: Any) -> None:
    """Kafka dies as by `kill -9`; the tests' PostgreSQL is not durable and is shut down in order."""
    if hasattr(server, "bootstrap"):
        server.kill()
    else:
        server.stop()


class DeafLog:
    """A log whose first readers are members of their group and never hear anything."""

    def __init__(self, log: Any, deaf: int) -> None:
        self._log = log
        self._deaf = deaf
        self.lag = log.lag

    async def reader(self, *arguments: Any, **named: Any) -> Any:
        reader = await self._log.reader(*arguments, **named)
        if self._deaf > 0:
            self._deaf -= 1
            poll = reader.poll

            async def drop(**bounds: Any) -> dict[Any, Any]:
                await poll(**bounds)
                return {}

            reader.poll = drop
        return reader


async def test_a_reader_that_stops_reading_is_rebuilt(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Watchdog, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(Watchdog, "LOOK_SECONDS", 0.1)
    await bench.send(bench.probe.record(uuid7(), 1))

    async with bench.consuming(log=DeafLog(bench.log, 2)):
        await until(lambda: _seen(bench, 1))

    assert await bench.numbers() == [1]


async def test_a_consumer_that_cannot_be_made_to_read_ends_its_process(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Watchdog, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(Watchdog, "LOOK_SECONDS", 0.1)
    await bench.send(bench.probe.record(uuid7(), 1))
    consumer = Consumer(bench.probe.service, bench.db, DeafLog(bench.log, 9), bench.clock)  # type: ignore[arg-type]

    with pytest.raises(Stuck):
        await asyncio.wait_for(consumer.run(), 30)


@pytest.fixture
def log_server(request: pytest.FixtureRequest, log_url: str) -> Iterator[Any]:
    """The server behind the log; whoever kills it restarts it."""
    yield request.getfixturevalue("kafka" if log_url.startswith("kafka") else "postgres")
    gc.collect()


async def _nothing(_places: frozenset[Place]) -> None:
    return None


async def _publish_if_there(bench: Bench, customer: Any, number: int) -> bool:
    try:
        await bench.publish(customer, number)
    except Exception:
        return False
    return True


async def _drained(bench: Bench) -> bool:
    try:
        return not await bench.query("SELECT seq FROM outbox") and await bench.lag() == 0
    except Exception:
        return False


async def _seen(bench: Bench, expected: int) -> bool:
    return len(await bench.numbers()) >= expected


async def _owns_some(consumer: Any) -> bool:
    return consumer._reader is not None and bool(consumer._reader.assignment())
