"""How simulations run: nothing else is written, one at a time, anew after a kill, until they are cancelled."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from loyalty_svc.features import SERVICE
from loyalty_svc.simulation import facts, usecases
from loyalty_svc.simulation.loops import run_simulations
from moat.kit.ids import uuid7
from moat.kit.messaging.log import LogUnavailable
from moat.kit.process import Process
from moat.kit.settings import ProcessSettings
from moat.kit.testing import TestDatabase
from moat.kit.testing.callers import trusted_keys
from moat.kit.testing.web import NoLog

from .builders import a_customer, paid
from .house import House
from .past import PATH, Past, given
from .rulebook import PER_UNIT, a_rule, at_most
from .task_plans import a_step, a_task
from .tier_club import a_plan

DRAFT = a_rule(PER_UNIT | {"points": 2}, limits=[at_most(150, per="ever")], budget=1_000)
OWN = ("simulation", "simulation_customer")


@pytest.fixture
async def past(house: House, pglog_url: str) -> AsyncIterator[Past]:
    shop = await Past.begin(house, pglog_url)
    yield shop
    await shop.log.close()


class Killed(BaseException):
    """As if the process had ended here: nothing cleans up after it."""


class Stalling:
    """A log whose scans stop after their first batch until they are told to go on, or to die."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.stalls, self.go_on = asyncio.Event(), asyncio.Event()
        self.kills = False

    async def scan(self, *topics: Any, **more: Any) -> Any:
        scan = await self._log.scan(*topics, **more)
        batches = scan.batches

        async def stall() -> Any:
            async for batch in batches():
                yield batch
                self.stalls.set()
                await self.go_on.wait()
                if self.kills:
                    raise Killed

        scan.batches = stall
        return scan


async def everything_else(database: TestDatabase) -> dict[str, str]:
    """Every table but those of simulations, of the kit's answers too."""
    connection = await asyncpg.connect(database.owner_url)
    names = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found = {
        name: await connection.fetchval(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM \"{name}\" t")
        for name in names
        if name not in OWN
    }
    await connection.close()
    return found


async def test_nothing_is_written_but_to_its_own_tables(past: Past, database: TestDatabase):
    li = uuid7()
    await past.happen(a_customer(li), *(paid(li, 20_000, day=day) for day in range(1, 6)))
    await past.draft("earning_rule", "order-points", DRAFT)
    await past.draft("tier_plan", "tiers", a_plan({"member": 0, "silver": 100, "gold": 20_000}))
    await past.draft("task", "five-orders", a_task(a_step(times=5)))
    for kind, code in (("earning_rule", "order-points"), ("tier_plan", "tiers"), ("task", "five-orders")):
        await past.queue(kind, code)
    before = await everything_else(database)

    for _ in range(3):
        assert await past.runner().run_next()

    assert await everything_else(database) == before
    assert {one["state"] for one in (await past.ask("GET", PATH)).json()["items"]} == {"done"}


async def test_a_simulation_whose_worker_was_killed_begins_anew_and_comes_to_the_same(past: Past):
    await past.happen(*(paid(uuid7(), 10_000) for _ in range(9)))
    etag = await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")
    log = Stalling(past.log)
    killed = asyncio.create_task(past.runner(log).run_next())
    await log.stalls.wait()
    log.kills = True
    log.go_on.set()
    with pytest.raises(Killed):
        await killed

    assert (await past.read(id_))["state"] == "running"
    assert not await past.runner().run_next(), "nobody takes it up before its lease has run out"
    async with past.house.db.transaction() as tx:
        await tx.execute("UPDATE simulation SET lease_until = clock_timestamp() - interval '1 second'")
    assert await past.runner().run_next()

    found = await past.read(id_)
    assert (found["state"], given(found["result"])) == ("done", (900, 1_000))
    assert found["events_read"] == 9
    assert etag == f'"{found["draft_revision"]}"'


async def test_a_worker_that_stops_in_order_gives_it_to_the_next_at_once(past: Past):
    await past.happen(paid(uuid7(), 10_000))
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")
    log = Stalling(past.log)
    stopped = asyncio.create_task(past.runner(log).run_next())
    await log.stalls.wait()
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)

    assert (await past.read(id_))["state"] == "queued"
    assert await past.runner().run_next()
    assert (await past.read(id_))["state"] == "done"


async def test_one_that_is_killed_again_and_again_is_given_up(past: Past):
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")

    for _ in range(usecases.ATTEMPTS_MAX + 1):
        async with past.house.db.transaction() as tx:
            await usecases.take_up(tx, now=past.house.clock.now())
            await tx.execute("UPDATE simulation SET lease_until = clock_timestamp() - interval '1 second'")
    assert not await past.runner().run_next()

    found = await past.read(id_)
    assert (found["state"], found["failure"]) == ("failed", "interrupted")
    assert found["failure_text"] == "It was interrupted several times and given up."
    assert found["finished_at"] is not None


async def test_a_worker_that_was_thought_dead_does_not_end_what_another_has_taken_up(past: Past):
    await past.happen(paid(uuid7(), 10_000))
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")
    log = Stalling(past.log)
    slow = asyncio.create_task(past.runner(log).run_next())
    await log.stalls.wait()
    async with past.house.db.transaction() as tx:
        await tx.execute("UPDATE simulation SET lease_until = clock_timestamp() - interval '1 second'")
        other = await usecases.take_up(tx, now=past.house.clock.now())
    assert other is not None
    assert other.id == id_

    log.go_on.set()
    assert await slow

    assert (await past.read(id_))["state"] == "running"


async def test_one_runs_at_a_time_over_all_workers(past: Past):
    await past.draft("earning_rule", "order-points", DRAFT)
    for _ in range(4):
        await past.queue("earning_rule", "order-points")

    async def take() -> object:
        async with past.house.db.transaction() as tx:
            return await usecases.take_up(tx, now=past.house.clock.now())

    assert len([one for one in await asyncio.gather(*(take() for _ in range(6))) if one is not None]) == 1


async def test_cancelling_stops_one_that_runs_and_one_that_waits(past: Past):
    await past.happen(paid(uuid7(), 10_000))
    await past.draft("earning_rule", "order-points", DRAFT)
    first = await past.queue("earning_rule", "order-points")
    second = await past.queue("earning_rule", "order-points")
    log = Stalling(past.log)
    running = asyncio.create_task(past.runner(log).run_next())
    await log.stalls.wait()

    for id_ in (first, second, second):
        answer = await past.ask("POST", f"{PATH}/{id_}/cancel", {})
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    log.go_on.set()
    assert await running

    assert not await past.runner().run_next()
    for id_ in (first, second):
        found = await past.read(id_)
        assert (found["state"], found["result"], found["allowed_actions"]) == ("cancelled", None, [])


async def test_a_log_that_is_away_is_waited_for(past: Past):
    await past.happen(paid(uuid7(), 10_000))
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")

    for _ in range(usecases.ATTEMPTS_MAX + 2):
        with pytest.raises(LogUnavailable):
            await past.runner(NoLog()).run_next()
    assert (await past.read(id_))["state"] == "queued"
    assert await past.runner().run_next()

    assert (await past.read(id_))["state"] == "done"


async def test_more_than_can_be_remembered_is_refused_in_words(past: Past, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loyalty_svc.simulation.awarding.STATES_MAX", 5)
    await past.happen(*(paid(uuid7(), 10_000) for _ in range(9)))
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")

    assert await past.runner().run_next()

    found = await past.read(id_)
    assert (found["state"], found["failure"]) == ("failed", "simulations.too-much")
    assert "take fewer" in found["failure_text"]


async def test_the_loop_of_the_worker_runs_what_waits_and_others_go_on_meanwhile(
    past: Past, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(facts, "SLICE_EVENTS", 5)
    await past.append(*(paid(uuid7(), 10_000) for _ in range(200)))
    await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")
    away = "postgresql://unused"
    settings = ProcessSettings(database_url=away, events_url=away, gateway_url="http://gateway.test")
    process = Process(SERVICE, settings, past.house.db, past.log, past.house.clock, trusted_keys())
    loop, turns = asyncio.create_task(run_simulations(process)), 0
    while (await past.read(id_))["state"] != "done":
        turns += 1
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)

    assert turns > 5
    assert (await past.read(id_))["events_read"] == 200
