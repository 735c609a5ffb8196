import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messaging_probe import Bench, bench_log, until

from moat.kit.ids import uuid7
from moat.kit.messaging import lanes as lanes_module
from moat.kit.messaging.lanes import LANE_EVENTS_ASKED, LANE_EVENTS_MIN, LANES_MAX, Lanes, Records, lanes_of
from moat.kit.messaging.log import PARTITIONS, Place, Received, partition_of

ALL = LANES_MAX * LANE_EVENTS_ASKED


def poll(*sizes, first=0):
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return {
        Place("t", number): [Received("t", number, offset, None, None, (), at) for offset in range(size)]
        for number, size in enumerate(sizes, first)
    }


@given(st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=12), st.integers(1, LANES_MAX))
def test_every_record_is_in_one_lane_in_its_partitions_order(sizes, lanes_max):
    records = poll(*sizes)

    lanes = lanes_of(records, lanes_max)

    assert len(lanes) <= lanes_max
    assert sorted(place for lane in lanes for place in lane) == sorted(records)
    assert all(lane[place] is records[place] for lane in lanes for place in lane)


def test_a_small_poll_and_a_single_partition_stay_one_transaction():
    assert len(lanes_of(poll(10, 10))) == 1
    assert len(lanes_of(poll(LANE_EVENTS_MIN * 4))) == 1


def test_a_large_poll_is_parted_evenly_into_as_many_lanes_as_it_fills():
    for full, lanes in ((2, 2), (3, 3), (20, LANES_MAX)):
        batch = -(-full * LANE_EVENTS_MIN // 12)

        loads = [sum(map(len, lane.values())) for lane in lanes_of(poll(*[batch] * 12))]

        assert loads == [batch * 12 // lanes] * lanes


class Held:
    """Lanes that end when they are told to, by the number of their first place."""

    def __init__(self) -> None:
        self.gates: dict[int, asyncio.Event] = {}
        self.failing: set[int] = set()
        self.lanes = Lanes(self._take)

    async def _take(self, records: Records) -> None:
        number = min(records).partition
        await self.gates.setdefault(number, asyncio.Event()).wait()
        if number in self.failing:
            raise RuntimeError(number)

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self.gates.setdefault(number, asyncio.Event()).set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def settling(self) -> "asyncio.Task[None]":
        return await begun(self.lanes.settle())


async def begun(what: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """As far as it comes by itself; what waits for ever is told from what is done without waiting for it."""
    task = asyncio.create_task(what)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_with_a_backlog_a_lane_that_ends_makes_room_for_the_next():
    held = Held()
    held.lanes.start(poll(*[LANE_EVENTS_ASKED] * LANES_MAX), ALL)
    settling = await held.settling()
    assert (held.lanes.room, settling.done()) == (0, False)

    await held.end(2)
    assert settling.done()
    assert held.lanes.room == LANE_EVENTS_ASKED
    others = set(range(LANES_MAX)) - {2}
    assert held.lanes.places == {Place("t", number) for number in others}

    held.lanes.start(poll(*[LANE_EVENTS_ASKED // 4] * 2, first=LANES_MAX), LANE_EVENTS_ASKED)
    assert held.lanes.places == {Place("t", number) for number in (*others, LANES_MAX, LANES_MAX + 1)}
    await held.end(*others, LANES_MAX)
    assert held.lanes.idle.is_set()
    assert held.lanes.room == ALL


async def test_without_a_backlog_all_are_waited_for():
    held = Held()
    held.lanes.start(poll(*[LANE_EVENTS_ASKED // 2 - 1] * LANES_MAX), ALL)
    settling = await held.settling()
    *first, last = range(LANES_MAX)
    await held.end(*first)
    assert (len(held.lanes.places), settling.done(), held.lanes.idle.is_set()) == (1, False, False)

    await held.end(last)

    assert settling.done()
    assert held.lanes.idle.is_set()


async def test_what_was_left_free_and_is_not_filled_shows_that_the_backlog_has_ended():
    held = Held()
    held.lanes.start(poll(*[LANE_EVENTS_ASKED] * LANES_MAX), ALL)
    await held.end(0)
    held.lanes.start({}, LANE_EVENTS_ASKED)
    settling = await held.settling()
    assert not settling.done()

    await held.end(*range(1, LANES_MAX))

    assert settling.done()


async def test_a_lane_that_fails_is_told_of_however_late_it_is_asked():
    held = Held()
    held.failing = {1}
    held.lanes.start(poll(*[LANE_EVENTS_ASKED] * LANES_MAX), ALL)
    await held.end(1, 2)

    with pytest.raises(RuntimeError, match="1"):
        await held.lanes.settle()
    dropping = await begun(held.lanes.drop())

    assert dropping.done()
    assert held.lanes.idle.is_set()


@pytest.fixture
def short_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "LANE_EVENTS_MIN", 10)
    monkeypatch.setattr(lanes_module, "LANE_EVENTS_ASKED", 20)


@pytest.mark.usefixtures("short_lanes")
async def test_while_one_lane_is_slow_the_backlog_of_other_places_goes_on_and_each_keeps_its_order(bench: Bench):
    probe, slow = bench.probe, uuid7()
    others = _spread_over_the_places_beside(slow, each=4)
    probe.weather.gate, probe.weather.gated = asyncio.Event(), "slow"
    await bench.send(probe.record(slow, 0, mood="slow"))
    await bench.send(*(probe.record(one, number) for number in range(30) for one in (slow, *others)))

    async with bench.consuming():
        # Three times what a poll may bring.
        await until(lambda: _seen(bench, 3 * LANES_MAX * lanes_module.LANE_EVENTS_ASKED))
        assert await _numbers(bench, slow) == []
        probe.weather.gate.set()
        await until(lambda: _seen(bench, 30 * (len(others) + 1) + 1))

    assert await _numbers(bench, slow) == [0, *range(30)]
    for one in others:
        assert await _numbers(bench, one) == list(range(30))
    assert await bench.lag() == 0


@pytest.mark.usefixtures("short_lanes")
async def test_members_who_come_and_go_in_a_backlog_lose_and_double_nothing_and_keep_the_order(bench: Bench):
    probe, customers = bench.probe, [uuid7() for _ in range(30)]
    await bench.send(*(probe.record(one, number) for number in range(60) for one in customers))

    second_log = bench_log(bench.log_url, probe)
    async with bench.consuming(log=second_log):
        async with bench.consuming():
            await until(lambda: _seen(bench, 600))
        await until(lambda: _seen(bench, 1_800))
    await second_log.close()

    for one in customers:
        assert await _numbers(bench, one) == list(range(60))
    assert await bench.dead() == []
    assert await bench.lag() == 0


def _spread_over_the_places_beside(one: UUID, *, each: int) -> list[UUID]:
    """As many customers in every other partition: one that is empty early would end the backlog before its time."""
    found: dict[int, list[UUID]] = {place: [] for place in range(PARTITIONS) if place != _place(one)}
    while any(len(own) < each for own in found.values()):
        customer = uuid7()
        own = found.get(_place(customer))
        if own is not None and len(own) < each:
            own.append(customer)
    return [customer for own in found.values() for customer in own]


def _place(customer: UUID) -> int:
    return partition_of(str(customer).encode())


async def _seen(bench: Bench, expected: int) -> bool:
    return len(await bench.numbers()) >= expected


async def _numbers(bench: Bench, customer: object) -> list[int]:
    rows = await bench.query("SELECT number FROM seen WHERE customer_id = :customer ORDER BY nth", customer=customer)
    return [row[0] for row in rows]
