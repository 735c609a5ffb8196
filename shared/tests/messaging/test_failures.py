"""What cannot be taken is set aside, what can wait waits, and everything else goes on."""

import json

import pytest
from messaging_probe import Bench, until

from moat.kit.ids import uuid7
from moat.kit.messaging.replay import DeadLetterResolved, UnknownDeadLetter, discard, replay


async def test_poison_in_the_middle_of_a_batch_stops_nobody(bench: Bench):
    probe, customer = bench.probe, uuid7()
    good = [probe.record(uuid7(), n) for n in range(100)]
    poison = [probe.record(customer, 1000 + n, mood="poison", id=f"poison-{n}") for n in range(3)]
    odd = probe.record(customer, 2000, mood="odd", id="odd")
    broken = [
        probe.raw(probe.facts, b"{not json", type=probe.Counted.TYPE, key=str(customer)),
        probe.raw(probe.facts, b'{"number": -1}', type=probe.Counted.TYPE, key=str(customer)),
        probe.raw(probe.facts, b'{"number": 1, "mood": "a\\u0000b"}', type=probe.Counted.TYPE, key=str(customer)),
    ]
    await bench.send(*good[:50], *poison, odd, *broken, *good[50:])

    async with bench.consuming(), bench.relaying():
        await until(lambda: _dead(bench, 7))
        await until(lambda: _seen(bench, 100))
        await until(lambda: _announced(bench, 7))

    assert sorted(await bench.numbers()) == list(range(100))
    dead = await bench.dead()
    assert sorted((row.code, row.attempts) for row in dead) == sorted(
        [("probe.mood", 1)] * 3
        + [("unexpected.RuntimeError", 5), ("events.unreadable", 1), ("events.invalid", 1), ("events.invalid", 1)]
    )
    assert {bytes(row.value) for row in dead} == {record.value for record in (*poison, odd, *broken)}
    assert await bench.lag() == 0


async def test_one_bad_event_among_hundreds_is_found_by_halves(bench: Bench):
    customer = uuid7()
    mood = {250: "poison"}
    await bench.send(*(bench.probe.record(customer, n, mood=mood.get(n, "fine")) for n in range(400)))

    async with bench.consuming():
        await until(lambda: _seen(bench, 399))

    assert await bench.numbers() == [n for n in range(400) if n != 250]
    assert [row.code for row in await bench.dead()] == ["probe.mood"]
    assert bench.probe.weather.attempts < 40


async def test_the_weather_never_makes_a_dead_letter(bench: Bench):
    customer = uuid7()
    bench.probe.weather.storm = True
    await bench.send(*(bench.probe.record(customer, n) for n in range(5)))

    async with bench.consuming():
        await until(lambda: _tried(bench, 6))
        bench.probe.weather.storm = False
        await until(lambda: _seen(bench, 5))

    assert await bench.numbers() == list(range(5))
    assert await bench.dead() == []


async def test_while_one_partition_waits_the_others_go_on(bench: Bench):
    probe = bench.probe
    odd_one, others = uuid7(), [uuid7() for _ in range(30)]
    await bench.send(probe.record(odd_one, 1, mood="odd"))

    async with bench.consuming():
        await until(lambda: _tried(bench, 1))
        await bench.send(*(probe.record(other, 2) for other in others))
        await bench.send(probe.record(odd_one, 3))
        await until(lambda: _seen(bench, 31))

    assert sorted(await bench.numbers()) == [2] * 30 + [3]
    assert [row.attempts for row in await bench.dead()] == [5]


async def test_what_a_person_cannot_read_on_the_intake_is_a_dead_letter_and_elsewhere_ignored(bench: Bench):
    probe = bench.probe
    await bench.send(
        probe.raw(probe.intake, b"{}", type="moat.intake.probe.unheard_of.v1"),
        probe.raw(probe.intake, b'{"number": 4}', type=probe.Counted.TYPE, key=str(uuid7())),
        probe.raw(probe.facts, b"{}", type="moat.probe.unheard_of.v1", key=str(uuid7())),
        probe.raw(probe.intake, b'{"number": 5}', type=probe.Noticed.TYPE, key="any key"),
    )

    async with bench.consuming():
        await until(lambda: _seen(bench, 1))
        await until(lambda: _dead(bench, 2))

    assert await bench.numbers() == [5]
    assert {row.code for row in await bench.dead()} == {"events.unknown_type"}
    assert {row.topic for row in await bench.dead()} == {probe.intake}


async def test_a_replayed_dead_letter_is_applied_once(bench: Bench):
    probe = bench.probe
    await bench.send(probe.record(uuid7(), 1, mood="poison", id="p"))
    async with bench.consuming():
        await until(lambda: _dead(bench, 1))
    (row,) = await bench.dead()

    with pytest.raises(Exception, match="poison"):
        await replay(bench.db, probe.service, row.id, "staff:ann", bench.clock)
    assert (await bench.dead())[0].status == "pending"
    probe.weather.refuses.clear()
    for _ in range(2):
        await replay(bench.db, probe.service, row.id, "staff:ann", bench.clock)
    async with bench.consuming():
        await bench.send(probe.record(uuid7(), 1, id="p"), probe.record(uuid7(), 2))
        await until(lambda: _seen(bench, 2))

    assert await bench.numbers() == [1, 2]
    assert [(r.status, r.resolved_by) for r in await bench.dead()] == [("replayed", "staff:ann")]
    audited = await bench.query("SELECT action, actor, subject FROM audit")
    assert [tuple(a) for a in audited] == [("dead_letter.replayed", "staff:ann", str(row.id))]
    with pytest.raises(DeadLetterResolved):
        await discard(bench.db, row.id, "staff:ann", "no", bench.clock)


async def test_garbage_that_becomes_readable_is_replayed_through_the_inbox(bench: Bench):
    probe = bench.probe
    record = probe.raw(probe.intake, b'{"number": 8}', type="moat.intake.probe.later.v1", id="later")
    await bench.send(record)
    async with bench.consuming():
        await until(lambda: _dead(bench, 1))
    (row,) = await bench.dead()

    probe.Noticed.TYPE = "moat.intake.probe.later.v1"
    for _ in range(2):
        await replay(bench.db, probe.service, row.id, "staff:ann", bench.clock)
    async with bench.consuming():
        await bench.send(record, probe.raw(probe.intake, b'{"number": 9}', type=probe.Noticed.TYPE))
        await until(lambda: _seen(bench, 2))

    assert await bench.numbers() == [8, 9]


async def test_a_discarded_dead_letter_stays_discarded(bench: Bench):
    probe = bench.probe
    await bench.send(probe.record(uuid7(), 1, mood="poison"))
    async with bench.consuming():
        await until(lambda: _dead(bench, 1))
    (row,) = await bench.dead()

    for _ in range(2):
        await discard(bench.db, row.id, "staff:ann", "a test of theirs", bench.clock)

    (row,) = await bench.dead()
    assert (row.status, row.resolution_reason) == ("discarded", "a test of theirs")
    assert len(await bench.query("SELECT id FROM audit")) == 1
    with pytest.raises(DeadLetterResolved):
        await replay(bench.db, probe.service, row.id, "staff:ann", bench.clock)
    with pytest.raises(UnknownDeadLetter):
        await replay(bench.db, probe.service, uuid7(), "staff:ann", bench.clock)


async def _dead(bench: Bench, expected: int) -> bool:
    return len(await bench.dead()) >= expected


async def _seen(bench: Bench, expected: int) -> bool:
    return len(await bench.numbers()) >= expected


async def _tried(bench: Bench, times: int) -> bool:
    return bench.probe.weather.attempts >= times


async def _announced(bench: Bench, expected: int) -> bool:
    """The dead letters' announcements are on the log: ids and reason, no bytes."""
    topic = f"{bench.probe.facts}.dlt"
    ends = await bench.log.lag("nobody", [topic])
    assert not [
        json.loads(p[0]) for p in await bench.query("SELECT payload FROM outbox") if "value" in json.loads(p[0])
    ]
    return sum(end for _, end in ends.values()) >= expected
