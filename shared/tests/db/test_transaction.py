import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from moat.contracts.customers import CustomerMerged
from moat.contracts.loyalty import MemberEnrolled, TierUpgraded
from moat.kit.ids import uuid7
from moat.kit.testing.batches import published
from moat.kit.testing.events import TODAY, an_event


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


async def test_what_was_done_and_what_was_announced_are_kept_together(db):
    customer = uuid7()
    woken = []
    db.on_published(lambda: woken.append(True))

    async with db.transaction() as tx:
        await tx.execute("INSERT INTO known_customer (customer_id, created_at) VALUES (:id, now())", id=customer)
        tx.publish(MemberEnrolled(), about=customer, time=TODAY)

    assert [(event.type, event.about) for event in await published(db)] == [("moat.member.enrolled.v1", customer)]
    assert woken == [True]


async def test_an_error_leaves_neither(db):
    woken = []
    db.on_published(lambda: woken.append(True))

    with pytest.raises(RuntimeError):
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO known_customer (customer_id, created_at) VALUES (:id, now())", id=uuid7())
            tx.publish(MemberEnrolled(), about=uuid7(), time=TODAY)
            raise RuntimeError

    async with db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM known_customer") == 0
    assert await published(db) == []
    assert woken == []


async def test_a_derived_event_names_its_cause_and_keeps_the_correlation(db):
    cause = an_event(CustomerMerged(from_id=uuid7()), id="cause-1", correlation_id="order-7")

    async with db.transaction() as tx:
        tx.publish(MemberEnrolled(), about=uuid7(), time=TODAY, cause=cause)

    async with db.transaction() as tx:
        headers = await tx.scalar("SELECT headers FROM outbox")
    assert (headers["causationid"], headers["correlationid"]) == ("cause-1", "order-7")


async def test_many_announced_at_once_stand_in_their_order_each_with_its_own_cause_and_time(db):
    first, second = (
        an_event(CustomerMerged(from_id=uuid7()), id=f"cause-{n}", correlation_id=f"order-{n}") for n in (1, 2)
    )
    later = TODAY + timedelta(days=1)

    async with db.transaction() as tx:
        tx.publish(MemberEnrolled(), about=uuid7(), time=TODAY, cause=first)
        tx.publish_all(
            [
                (TierUpgraded(from_tier="a", to_tier="b", growth=1), uuid7(), TODAY, first),
                (MemberEnrolled(), uuid7(), later, first),
                (MemberEnrolled(), uuid7(), later, second),
                (MemberEnrolled(), uuid7(), later, None),
                (MemberEnrolled(), uuid7(), later, second),
            ]
        )
        tx.publish_all([])
        tx.publish(MemberEnrolled(), about=uuid7(), time=later, cause=second)

    async with db.transaction() as tx:
        rows = await tx.all("SELECT id, type, headers FROM outbox ORDER BY seq")
    assert [row.type for row in rows] == ["moat.member.enrolled.v1", "moat.tier.upgraded.v1"] + [
        "moat.member.enrolled.v1"
    ] * 5
    assert [(row.headers.get("causationid"), datetime.fromisoformat(row.headers["time"])) for row in rows] == [
        ("cause-1", TODAY),
        ("cause-1", TODAY),
        ("cause-1", later),
        ("cause-2", later),
        (None, later),
        ("cause-2", later),
        ("cause-2", later),
    ]
    assert [row.headers["correlationid"] for row in rows] == ["order-1"] * 3 + ["order-2", str(rows[4].id)] + [
        "order-2"
    ] * 2
    assert [row.id for row in rows] == sorted({row.id for row in rows})


async def test_the_service_role_does_not_own_the_tables_and_cannot_rewrite_the_audit(db):
    async with db.transaction() as tx:
        assert await tx.scalar("SELECT current_user") == "notify_app"
    for forbidden in (
        "DROP TABLE message",
        "UPDATE audit SET actor = 'x'",
        "DELETE FROM audit",
        "ALTER TABLE message DISABLE ROW LEVEL SECURITY",
    ):
        with pytest.raises(DBAPIError, match="permission denied|must be owner"):
            async with db.transaction() as tx:
                await tx.execute(forbidden)


async def test_a_customers_transaction_ends_with_its_role(db):
    async with db.transaction(customer=uuid7()) as tx:
        assert await tx.scalar("SELECT current_user") == "notify_customer"
        setting = await tx.scalar("SELECT current_setting('moat.customer_id')")
        assert UUID(setting)
    async with db.transaction() as tx:
        assert await tx.scalar("SELECT current_user") == "notify_app"
        assert not await tx.scalar("SELECT current_setting('moat.customer_id', true)")


async def test_the_database_bounds_a_statement_and_a_wait_for_a_lock(db):
    quick = db.sibling(statement_timeout_ms=50, pool_connections=2)
    try:
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with quick.transaction() as tx:
                await tx.execute("SELECT pg_sleep(5)")
    finally:
        await quick.close()

    async with db.transaction() as holder:
        await holder.execute("LOCK TABLE template IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with db.transaction() as tx:
                await tx.execute("SELECT count(*) FROM template")


async def test_a_pool_that_is_used_up_says_so_instead_of_waiting_for_ever(db):
    small = db.sibling(statement_timeout_ms=3_000, pool_connections=2)
    release = asyncio.Event()

    async def hold():
        async with small.transaction() as tx:
            await tx.execute("SELECT 1")
            await release.wait()

    holders = [asyncio.create_task(hold()) for _ in range(2)]
    async with asyncio.timeout(5):
        while small.connections_in_use() < 2:
            await asyncio.sleep(0.005)
    try:
        with pytest.raises(Exception, match="QueuePool limit"):
            async with small.transaction() as tx:
                await tx.execute("SELECT 1")
    finally:
        release.set()
        await asyncio.gather(*holders)
        assert small.connections_in_use() == 0
        await small.close()


async def test_a_database_that_is_away_is_an_operational_error(db):
    nowhere = type(db).connect("postgresql://x:y@127.0.0.1:1/none", name="notify-svc")

    with pytest.raises((OperationalError, OSError)):
        async with nowhere.transaction() as tx:
            await tx.execute("SELECT 1")
    await nowhere.close()


async def test_a_restarted_server_costs_nobody_an_error_once_its_goodbye_was_read(database_of):
    database = await database_of("notify_svc")
    db = database.db

    async def backend() -> int:
        async with db.transaction() as tx:
            return await tx.scalar("SELECT pg_backend_pid()")

    async with db.transaction() as first, db.transaction() as second:
        pids = {await tx.scalar("SELECT pg_backend_pid()") for tx in (first, second)}
    other = await asyncpg.connect(database.app_url)
    try:
        for pid in pids:
            await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await other.close()

    # Two connections were in the pool, and both are replaced; by now their ends were read from the sockets.
    assert {await backend(), await backend()}.isdisjoint(pids)
