import asyncio
from datetime import timedelta

import pytest

from moat.kit.feature import Feature, Service
from moat.kit.testing.events import TODAY
from moat.kit.timers import Timers, bring_forward, clear_timers, set_timers
from moat.kit.timers.runner import ATTEMPTS_MAX, fire, run_timers
from moat.kit.timers.store import rounded_up


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


class Bell:
    """A feature that writes down what fell due, and fails where it is told to."""

    def __init__(self):
        self.rung = []
        self.broken = set()
        self.timers = Timers()
        self.timers.on("bell")(self.ring)
        self.service = Service("notify-svc", "bell", (Feature("bell", timers=self.timers),))

    @property
    def kind(self):
        return self.timers.kinds[0]

    async def ring(self, due, tx, clock):
        if self.broken & {timer.key for timer in due}:
            raise RuntimeError("broken bell")
        self.rung += [timer.key for timer in due]


@pytest.fixture
def bell():
    return Bell()


async def put(db, *timers):
    async with db.transaction() as tx:
        await set_timers(tx, "bell", [(key, due_at, {}) for key, due_at in timers])


async def left(db):
    async with db.transaction() as tx:
        return [row.key for row in await tx.all("SELECT key FROM timer ORDER BY key")]


async def test_what_is_due_fires_once_and_nothing_early(db, clock, bell):
    await put(db, ("due", TODAY), ("later", TODAY + timedelta(milliseconds=1)))

    await fire(bell.service, bell.kind, db, clock)
    await fire(bell.service, bell.kind, db, clock)
    assert bell.rung == ["due"]

    clock.advance(timedelta(milliseconds=1))
    await fire(bell.service, bell.kind, db, clock)
    assert bell.rung == ["due", "later"]


async def test_a_timer_is_moved_by_setting_it_again_and_gone_when_cleared(db, clock, bell):
    await put(db, ("a", TODAY), ("b", TODAY))
    await put(db, ("a", TODAY + timedelta(days=1)))
    async with db.transaction() as tx:
        await clear_timers(tx, "bell", ["b"])

    await fire(bell.service, bell.kind, db, clock)

    assert bell.rung == []
    assert await left(db) == ["a"]


async def test_a_timer_that_is_brought_forward_is_never_later_and_keeps_what_it_carries(db):
    async with db.transaction() as tx:
        await set_timers(tx, "bell", [("a", TODAY, {"page": 2}), ("b", TODAY + timedelta(days=2), {"page": 3})])

        for_tomorrow = [(key, TODAY + timedelta(days=1), {}) for key in ("a", "b", "c")]
        await bring_forward(tx, "bell", for_tomorrow)

        found = await tx.all("SELECT key, due_at, payload FROM timer ORDER BY key")
    tomorrow = TODAY + timedelta(days=1)
    assert [tuple(row) for row in found] == [
        ("a", TODAY, {"page": 2}),
        ("b", tomorrow, {"page": 3}),
        ("c", tomorrow, {}),
    ]


def test_an_instant_is_rounded_up_to_the_millisecond_never_down():
    assert rounded_up(TODAY) == TODAY
    assert rounded_up(TODAY + timedelta(microseconds=1)) == TODAY + timedelta(milliseconds=1)
    assert rounded_up(TODAY + timedelta(microseconds=1999)) == TODAY + timedelta(milliseconds=2)


async def test_a_handler_may_set_its_own_timer_anew(db, clock, bell):
    async def again(due, tx, clock):
        await set_timers(tx, "bell", [(timer.key, clock.now() + timedelta(days=1), {}) for timer in due])

    timers = Timers()
    timers.on("bell")(again)
    await put(db, ("a", TODAY))

    await fire(bell.service, timers.kinds[0], db, clock)

    assert await left(db) == ["a"]


async def test_a_failing_timer_is_isolated_tried_again_and_then_listed_with_the_dead_letters(db, clock, bell):
    await put(db, ("bad", TODAY), ("good", TODAY))
    bell.broken = {"bad"}

    for _ in range(ATTEMPTS_MAX):
        await fire(bell.service, bell.kind, db, clock)
        clock.advance(timedelta(minutes=1))

    assert bell.rung == ["good"]
    assert await left(db) == []
    async with db.transaction() as tx:
        dead = await tx.one("SELECT topic, type, key, code, attempts FROM dead_letter")
    assert (dead.topic, dead.type, bytes(dead.key), dead.code, dead.attempts) == (
        "timers",
        "bell",
        b"bad",
        "timer.failed",
        5,
    )


async def test_many_runners_fire_each_timer_once(db, clock, bell):
    await put(db, *((f"{n:04}", TODAY) for n in range(1200)))

    runners = [asyncio.create_task(run_timers(bell.service, db, clock)) for _ in range(4)]
    try:
        async with asyncio.timeout(30):
            while len(bell.rung) < 1200:
                await asyncio.sleep(0.01)
    finally:
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)

    assert sorted(bell.rung) == [f"{n:04}" for n in range(1200)]
