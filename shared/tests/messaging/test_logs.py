"""What both logs promise on their own, below outbox and inbox."""

import asyncio
from collections import defaultdict

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.consumer import fetcher
from aiokafka.protocol.fetch import FetchRequest
from messaging_probe import Bench, bench_log, until

from moat.kit.ids import uuid7
from moat.kit.messaging.log import PARTITIONS, Place, Received, Record, RecordRefused, partition_of
from moat.kit.messaging.pglog.log import PgLog


async def test_making_topics_again_and_at_once_changes_nothing(bench: Bench):
    await bench.send(bench.probe.record(uuid7(), 1))

    others = [bench_log(bench.log_url, bench.probe) for _ in range(3)]
    await asyncio.gather(*(log.ensure_topics() for log in others))

    lag = await bench.log.lag("somebody", [bench.probe.facts])
    assert len(lag) == PARTITIONS
    assert sum(end for _, end in lag.values()) == 1
    for log in others:
        await log.close()


async def test_any_bytes_come_back_as_they_were_in_order_per_key(bench: Bench):
    topic = bench.probe.intake
    records = [
        Record(topic, key, bytes([n % 256]) * n, (("a", b"\xff\x00"), ("b", b""), ("a", b"again")))
        for n, key in enumerate([b"", b"k", "键".encode(), b"\x00\xfe"] * 30)
    ]
    await bench.send(*records)

    read = await _read_all(bench, "readers", [topic], len(records))

    by_key = defaultdict(list)
    for received in read:
        assert received.partition == partition_of(received.key or b"")
        assert received.headers == records[0].headers
        by_key[received.key].append(received.value)
    assert dict(by_key) == {key: [r.value for r in records if r.key == key] for key in by_key}


async def test_groups_read_independently_and_remember_where_they_were(bench: Bench):
    topic = bench.probe.facts
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(30)))

    first = await _read_all(bench, "first", [topic], 30)
    second = await _read_all(bench, "second", [topic], 30)
    await bench.send(bench.probe.record(uuid7(), 30))
    more = await _read_all(bench, "first", [topic], 1)

    assert sorted(map(_place, first)) == sorted(map(_place, second))
    assert set(map(_place, more)).isdisjoint(map(_place, first))
    assert sum(end - done for done, end in (await bench.log.lag("second", [topic])).values()) == 1


async def test_a_seek_reads_again_and_a_pause_leaves_out(bench: Bench):
    topic = bench.probe.facts
    paused, other = uuid7(), uuid7()
    while partition_of(str(paused).encode()) == partition_of(str(other).encode()):
        other = uuid7()
    await bench.send(*(bench.probe.record(paused, n) for n in range(3)))
    reader = await bench.log.reader("seekers", [topic], on_revoked=_nothing)

    before: list[Received] = []
    await until(lambda: _poll_into(reader, before, 3))
    place = Place(topic, partition_of(str(paused).encode()))
    reader.seek(place, 1)
    reader.pause([place])
    await bench.send(bench.probe.record(other, 9))
    during: list[Received] = []
    await until(lambda: _poll_into(reader, during, 1))
    reader.resume([place])
    after: list[Received] = []
    await until(lambda: _poll_into(reader, after, 2))
    await reader.close()

    assert [r.offset for r in before] == [0, 1, 2]
    assert [r.partition for r in during] == [partition_of(str(other).encode())]
    assert [r.offset for r in after] == [1, 2]


async def test_what_can_never_be_written_is_named_before_anything_is_written(bench: Bench):
    good = bench.probe.record(uuid7(), 1)
    for bad in (Record(f"{bench.probe.name}.none", b"", b""), Record(good.topic, b"", b"x" * 1_100_000)):
        with pytest.raises(RecordRefused) as refused:
            await bench.send(good, bad)
        assert refused.value.index == 1

    assert sum(end for _, end in (await bench.log.lag("nobody", [good.topic])).values()) == 0


async def test_the_largest_record_is_taken(bench: Bench):
    await bench.send(Record(bench.probe.intake, b"k", b"x" * 990_000), Record(bench.probe.intake, b"k", b"y" * 990_000))

    read = await _read_all(bench, "large", [bench.probe.intake], 2)

    assert [len(r.value or b"") for r in read] == [990_000, 990_000]


async def test_the_embedded_log_forgets_what_is_older_than_its_topic_keeps(bench: Bench, pglog_url: str):
    if not isinstance(bench.log, PgLog):
        pytest.skip("the brokers of Kafka do it themselves")
    probe = bench.probe
    await bench.send(*(probe.raw(probe.intake, b"1", type="x", key="k") for _ in range(5)), probe.record(uuid7(), 1))
    connection = await asyncpg.connect(pglog_url)
    await connection.execute("UPDATE record SET at = at - interval '2 minutes' WHERE value <> '1' OR record_offset < 3")
    await connection.close()

    await bench.log.tidy()

    lag = await bench.log.lag("late", [probe.intake])
    assert max(lag.values()) == (3, 5)
    assert len(await _read_all(bench, "late", [probe.intake], 2)) == 2
    assert sum(end - done for done, end in (await bench.log.lag("late", [probe.facts])).values()) == 1


async def test_what_the_brokers_have_forgotten_is_not_waited_for(bench: Bench):
    if isinstance(bench.log, PgLog):
        pytest.skip("told above")
    probe = bench.probe
    await bench.send(*(probe.raw(probe.intake, b"1", type="x", key="k") for _ in range(5)))
    place = next(p for p, (_, end) in (await bench.log.lag("late", [probe.intake])).items() if end)
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.log_url.removeprefix("kafka://"))
    await admin.start()
    await admin.delete_records({TopicPartition(place.topic, place.partition): RecordsToDelete(before_offset=3)})
    await admin.close()

    lag = await bench.log.lag("late", [probe.intake])

    assert lag[place] == (3, 5)
    assert sum(end - done for done, end in lag.values()) == 2


async def test_a_reader_of_kafka_gathers_while_records_come_and_waits_at_the_broker_when_none_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    if isinstance(bench.log, PgLog):
        pytest.skip("asking costs little there, so it gathers nothing")
    asked: list[tuple[int, int]] = []

    def asking(max_wait_ms: int, min_bytes: int, *rest: object, **named: object) -> object:
        asked.append((max_wait_ms, min_bytes))
        return FetchRequest(max_wait_ms, min_bytes, *rest, **named)

    monkeypatch.setattr(fetcher, "FetchRequest", asking)
    topic = bench.probe.facts
    reader = await bench.log.reader("gatherers", [topic], on_revoked=_nothing, gather_ms=70)
    taken: list[Received] = []

    async def asks(*wanted: int) -> bool:
        await _poll_into(reader, taken, 1)
        return asked[-1] == wanted

    await until(lambda: asks(500, 1))
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(12)))
    await until(lambda: asks(70, 100_000))
    await until(lambda: asks(500, 1))
    await reader.close()

    assert len(taken) == 12


async def test_a_poll_leaves_places_where_they_are_that_it_is_told_to_leave_out(bench: Bench):
    topic = bench.probe.facts
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(200)))
    reader = await bench.log.reader("somebody", [topic], on_revoked=_nothing)
    found: list[Received] = []
    some = frozenset(Place(topic, number) for number in range(6))
    among_others = sum(
        end for place, (_, end) in (await bench.log.lag("somebody", [topic])).items() if place not in some
    )

    await until(lambda: _poll_into(reader, found, among_others, besides=some))
    assert {Place(topic, received.partition) for received in found}.isdisjoint(some)
    assert not await reader.poll(wait_seconds=0.1, besides=reader.assignment())
    await until(lambda: _poll_into(reader, found, 200))
    await reader.close()

    assert len(set(map(_place, found))) == len(found) == 200
    for number in range(PARTITIONS):
        offsets = [received.offset for received in found if received.partition == number]
        assert offsets == list(range(len(offsets)))


async def _read_all(bench: Bench, group: str, topics: list[str], expected: int) -> list[Received]:
    """Read as one member until that many came, commit, leave."""
    reader = await bench.log.reader(group, topics, on_revoked=_nothing)
    found: list[Received] = []
    await until(lambda: _poll_into(reader, found, expected))
    offsets: dict[Place, int] = {}
    for received in found:
        offsets[Place(received.topic, received.partition)] = received.offset + 1
    await reader.commit(offsets)
    await reader.close()
    assert len(found) == expected
    return found


async def _poll_into(reader, found: list[Received], expected: int, besides: frozenset[Place] = frozenset()) -> bool:
    for records in (await reader.poll(besides=besides)).values():
        found.extend(records)
    return len(found) >= expected


def _place(received: Received) -> tuple[int, int]:
    return received.partition, received.offset


async def _nothing(_places: frozenset[Place]) -> None:
    return None
