"""The worker as a process runs it: all parts together, an orderly stop, and numbers for those who watch."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from messaging_probe import AT, Bench, until

from moat.kit.feature import Feature
from moat.kit.ids import uuid7
from moat.kit.messaging.inbox import prune
from moat.kit.messaging.log import LogUnavailable
from moat.kit.messaging.status import LAG_UNKNOWN, status_of
from moat.kit.process import Process
from moat.kit.worker import run_worker


def process_of(bench: Bench, **changes: Any) -> Process:
    parts: dict[str, Any] = {"settings": None, "keys": None, "clock": bench.clock, "log": bench.log}
    return Process(service=bench.probe.service, db=bench.db, **{**parts, **changes})


async def test_a_worker_moves_everything_and_stops_in_order(bench: Bench):
    process = process_of(bench)
    worker = asyncio.create_task(run_worker(process))

    for number in range(20):
        await bench.publish(uuid7(), number)
    await until(lambda: _settled(process, 20, bench))
    bench.probe.weather.gate = asyncio.Event()
    bench.probe.weather.entered.clear()
    await bench.publish(uuid7(), 20)
    await asyncio.wait_for(bench.probe.weather.entered.wait(), 20)
    worker.cancel()
    asyncio.get_running_loop().call_later(0.3, bench.probe.weather.gate.set)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(worker, 25)

    assert sorted(await bench.numbers()) == list(range(21))
    assert await bench.lag() == 0
    assert bench.db.connections_in_use() == 0


async def test_a_part_that_cannot_live_ends_the_worker(bench: Bench):
    async def breaks(_process: Process) -> None:
        raise RuntimeError("no further")

    bench.probe.service = replace(
        bench.probe.service, features=[*bench.probe.service.features, Feature("loops", loops=(breaks,))]
    )

    with pytest.raises(ExceptionGroup) as ended:
        await asyncio.wait_for(run_worker(process_of(bench)), 25)

    assert ended.group_contains(RuntimeError, match="no further")


async def test_the_status_tells_what_is_still_to_do(bench: Bench):
    probe = bench.probe
    await bench.publish(uuid7(), 1)
    await bench.send(probe.record(uuid7(), 2), probe.record(uuid7(), 3))
    async with bench.db.transaction() as tx:
        await tx.execute("INSERT INTO timer (kind, key, due_at) VALUES ('k', 'a', :at)", at=AT.replace(year=2020))

    status = await status_of(process_of(bench))

    assert status["name"] == probe.service.name
    assert (status["outbox"], status["lag"], status["timers_overdue"], status["dead_letters"]) == (1, 2, 1, 0)
    assert sum(status["end_offsets"].values()) == 2


async def test_the_status_is_there_while_the_log_is_away(bench: Bench):
    class Away:
        async def lag(self, *_: object) -> None:
            raise LogUnavailable("away")

    status = await status_of(process_of(bench, log=Away()))

    assert (status["ready"], status["lag"], status["outbox"]) == (False, LAG_UNKNOWN, 0)


async def test_old_inbox_marks_are_forgotten_in_slices(bench: Bench):
    async with bench.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO inbox SELECT 'c', 's', i, now() - interval '1 day' * i FROM generate_series(1, 30) i"
        )

    assert await prune(bench.db, rows=4) == 17
    assert len(await bench.query("SELECT event_id FROM inbox")) == 13


async def _settled(process: Process, expected: int, bench: Bench) -> bool:
    status = await status_of(process)
    return len(await bench.numbers()) == expected and status["lag"] == status["outbox"] == 0
