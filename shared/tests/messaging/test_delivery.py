"""What was committed arrives, in order per key, once."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from messaging_probe import AT, Bench, until

from moat.kit.db.database import Database
from moat.kit.events import Cause
from moat.kit.ids import uuid7
from moat.kit.messaging import metrics


async def test_order_per_key_holds_under_concurrent_writers_and_relays(bench: Bench):
    customers = [uuid7() for _ in range(8)]
    other = Database.connect(bench.app_url, name="probe-svc", pool_connections=4)
    # A connection for each writer: they are to wait for each other's rows, not for a pool that relay and consumer need.
    writers = Database.connect(bench.app_url, name="probe-svc", pool_connections=24)

    async def write(customer: UUID, times: int) -> None:
        for _ in range(times):
            async with writers.transaction() as tx:
                number = await tx.scalar(
                    "INSERT INTO counter VALUES (:c, 1) ON CONFLICT (customer_id) "
                    "DO UPDATE SET number = counter.number + 1 RETURNING number",
                    c=customer,
                )
                tx.publish(bench.probe.Counted(number=number), about=customer, time=bench.clock.now())

    async with bench.relaying(), bench.relaying(other), bench.consuming():
        await asyncio.gather(*(write(customer, 12) for customer in customers for _ in range(3)))
        await until(lambda: _count(bench, 8 * 36))

    by_customer = defaultdict(list)
    for customer, number in await bench.query("SELECT customer_id, number FROM seen ORDER BY nth"):
        by_customer[customer].append(number)
    assert dict(by_customer) == {customer: list(range(1, 37)) for customer in customers}
    assert await bench.query("SELECT seq FROM outbox") == []
    await other.close()
    await writers.close()


async def test_a_second_delivery_changes_nothing(bench: Bench):
    customer = uuid7()
    records = [bench.probe.record(customer, n, id=f"fact-{n}") for n in range(20)]

    async with bench.consuming():
        await bench.send(*records, *records[5:])
        await bench.send(*records)
        await bench.send(bench.probe.record(customer, 99))
        await until(lambda: _count(bench, 21))

    assert await bench.numbers() == [*range(20), 99]
    assert await bench.lag() == 0


async def test_a_new_consumer_goes_on_where_the_last_one_stopped(bench: Bench):
    customer = uuid7()

    async with bench.consuming():
        await bench.send(*(bench.probe.record(customer, n) for n in range(10)))
        await until(lambda: _count(bench, 10))
    assert await bench.lag() == 0
    async with bench.consuming():
        await bench.send(bench.probe.record(customer, 10))
        await until(lambda: _count(bench, 11))

    assert await bench.numbers() == list(range(11))


async def test_an_event_tells_who_made_it_when_and_why(bench: Bench):
    customer, later = uuid7(), AT + timedelta(hours=5)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    cause = Cause("the-cause", "the-first-of-all", trace)
    of_itself = Cause("another-cause", None, None)
    counted = bench.probe.Counted

    async with bench.relaying(), bench.consuming():
        async with bench.db.transaction() as tx:
            ids = [
                tx.publish(counted(number=1), about=customer, time=AT, cause=cause),
                tx.publish(counted(number=2), about=customer, time=later, cause=cause),
                tx.publish(counted(number=3), about=customer, time=AT, cause=of_itself),
                tx.publish(counted(number=4), about=customer, time=AT),
            ]
        await until(lambda: _count(bench, 4))

    arrived = bench.probe.arrived
    assert [(e.id, e.subject_id, e.source) for e in arrived] == [
        (str(id_), customer, f"/{bench.probe.service.name}") for id_ in ids
    ]
    assert [(e.time, e.correlation_id, e.causation_id, e.traceparent) for e in arrived] == [
        (AT, "the-first-of-all", "the-cause", trace),
        (later, "the-first-of-all", "the-cause", trace),
        (AT, "another-cause", "another-cause", None),
        (AT, str(ids[3]), None, None),
    ]


async def test_events_are_about_the_record_key_when_they_name_no_subject(bench: Bench):
    customer = uuid7()

    async with bench.consuming():
        await bench.send(bench.probe.record(customer, 1))
        await until(lambda: _count(bench, 1))

    assert [row[0] for row in await bench.query("SELECT customer_id FROM seen")] == [customer]


async def test_what_can_never_be_sent_leaves_the_queue_with_its_reason(bench: Bench):
    customer = uuid7()
    async with bench.db.transaction() as tx:
        tx.publish(bench.probe.Counted(number=1), about=customer, time=bench.clock.now())
        lost = tx.publish(bench.probe.Lost(number=2), about=customer, time=bench.clock.now())
        tx.publish(bench.probe.Counted(number=3), about=customer, time=bench.clock.now())

    async with bench.relaying(), bench.consuming():
        await until(lambda: _count(bench, 2))

    assert await bench.numbers() == [1, 3]
    (dead,) = await bench.query("SELECT * FROM outbox_dead")
    assert (dead.id, dead.attempts) == (lost, 5)
    assert "nowhere" in dead.reason
    assert await bench.query("SELECT seq FROM outbox") == []


async def test_a_row_that_is_younger_than_the_relays_look_at_the_clock_has_no_negative_age(bench: Bench):
    async with bench.db.transaction() as tx:
        tx.publish(bench.probe.Counted(number=1), about=uuid7(), time=bench.clock.now())
    async with bench.db.transaction() as tx:
        await tx.execute("UPDATE outbox SET created_at = created_at + interval '1 hour'")
    before = _ages()

    async with bench.relaying():
        await until(lambda: _is_empty(bench))

    assert _ages() == (before[0] + 1, before[1])


async def _is_empty(bench: Bench) -> bool:
    return await bench.query("SELECT seq FROM outbox") == []


def _ages() -> tuple[float, float]:
    """How many ages the relays here have told, and their sum."""
    samples = [one for family in metrics.RELAY_AGE.collect() for one in family.samples]
    count, total = (
        sum(one.value for one in samples if one.name == f"moat_relay_age_seconds_{of}") for of in ("count", "sum")
    )
    return count, total


async def _count(bench: Bench, expected: int) -> bool:
    return len(await bench.numbers()) >= expected
