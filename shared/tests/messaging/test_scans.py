"""What a scan promises on both logs: a snapshot, in order, once, without a group."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime

from messaging_probe import Bench

from moat.kit.ids import uuid7
from moat.kit.messaging import scanning
from moat.kit.messaging.log import Received


async def test_a_scan_reads_what_there_is_once_in_order_per_key_and_ends(bench: Bench, monkeypatch):
    monkeypatch.setattr(scanning, "BUFFERED", 7)
    who = [uuid7() for _ in range(20)]
    sent = [bench.probe.record(who[n % 20], n) for n in range(600)]
    await bench.send(*sent)

    read = await _scan(bench, [bench.probe.facts])

    assert len(read) == 600
    by_key = defaultdict(list)
    for received in read:
        by_key[received.key].append(received.value)
    assert dict(by_key) == {key: [r.value for r in sent if r.key == key] for key in by_key}
    assert await bench.log.lag("nobody", [bench.probe.facts])


async def test_what_is_appended_after_a_scan_was_opened_is_not_in_it(bench: Bench):
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(30)))

    scan = await bench.log.scan([bench.probe.facts])
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(30, 60)))
    read = [received async for batch in scan.batches() for received in batch]
    await scan.close()

    assert scan.records == len(read) == 30


async def test_what_was_said_first_comes_first_whatever_topic_and_place_it_is_in(bench: Bench):
    for n in range(12):
        topic = bench.probe.facts if n % 2 else bench.probe.intake
        await bench.send(bench.probe.raw(topic, str(n).encode(), type="x", key=str(uuid7())))
        await asyncio.sleep(0.002)  # Kafka's instants have milliseconds.

    read = await _scan(bench, [bench.probe.facts, bench.probe.intake])

    assert [int(received.value or b"") for received in read] == list(range(12))


async def test_a_scan_from_an_instant_on_leaves_out_what_was_appended_before_it(bench: Bench):
    await bench.send(*(bench.probe.record(uuid7(), n) for n in range(50)))
    await asyncio.sleep(0.002)
    since = datetime.now(UTC)
    await asyncio.sleep(0.002)
    later = [bench.probe.record(uuid7(), n) for n in range(50, 80)]
    await bench.send(*later)

    read = await _scan(bench, [bench.probe.facts], since)

    assert {received.value for received in read} == {record.value for record in later}
    assert await _scan(bench, [bench.probe.facts], datetime(2100, 1, 1, tzinfo=UTC)) == []


async def test_a_scan_of_an_empty_log_ends_at_once(bench: Bench):
    assert await _scan(bench, [bench.probe.facts, bench.probe.intake]) == []


async def _scan(bench: Bench, topics: list[str], since: datetime | None = None) -> list[Received]:
    scan = await bench.log.scan(topics, since=since)
    try:
        return [received async for batch in scan.batches() for received in batch]
    finally:
        await scan.close()
