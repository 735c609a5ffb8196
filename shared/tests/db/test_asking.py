"""Statements straight to the driver: names become numbers, rows and errors are SQLAlchemy's."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from moat.kit.db.asking import numbered
from moat.kit.ids import uuid7


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


@pytest.mark.parametrize(
    ("sql", "numbers", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT CAST(:a AS text)::text", "SELECT CAST($1 AS text)::text", ("a",)),
        ("SELECT '9999-01-01T00:00Z', :at", "SELECT '9999-01-01T00:00Z', $1", ("at",)),
        (r"SELECT ' \:a'", "SELECT ' :a'", ()),
    ],
)
def test_names_become_numbers_and_nothing_else_does(sql, numbers, names):
    assert numbered(sql) == (numbers, names)


async def test_rows_are_read_by_name_by_place_and_as_tuples(db):
    async with db.transaction() as tx:
        (row,) = await tx.all("SELECT 1 AS one, :two AS two", two="2")

        assert (row.one, row[1], row._mapping["two"]) == (1, "2", "2")
        assert row == (1, "2")
        assert {row} == {(1, "2")}
        assert (await tx.execute("SELECT n FROM generate_series(1, 3) AS n")).scalars() == [1, 2, 3]
        assert await tx.first("SELECT 1 WHERE false") is None
        with pytest.raises(NoResultFound):
            await tx.one("SELECT 1 WHERE false")
        with pytest.raises(MultipleResultsFound):
            await tx.one("SELECT n FROM generate_series(1, 2) AS n")


async def test_a_change_says_how_many_rows_it_changed(db):
    add = (
        "INSERT INTO known_customer (customer_id, created_at) SELECT id, now() FROM unnest(CAST(:ids AS uuid[])) AS id"
    )
    async with db.transaction() as tx:
        assert (await tx.execute(add, ids=[uuid7(), uuid7()])).rowcount == 2
        assert (await tx.execute("DELETE FROM known_customer WHERE customer_id = :id", id=uuid7())).rowcount == 0


async def test_an_error_tells_its_kind_and_not_the_values(db):
    add = "INSERT INTO known_customer (customer_id, created_at) VALUES (:id, now())"
    who = uuid7()

    with pytest.raises(IntegrityError) as twice:
        async with db.transaction() as tx:
            await tx.execute(add, id=who)
            await tx.execute(add, id=who)

    assert twice.value.orig.sqlstate == "23505"
    assert twice.value.params is None
    with pytest.raises(DBAPIError):
        async with db.transaction() as tx:
            await tx.execute("SELECT CAST(:number AS integer)", number="many")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [UUID(int=7), None, uuid7()]),
        ("text", ["", "NULL", "a,b", '{"', "护城河", None]),
        ("bigint", [1, None, -(2**62)]),
        ("timestamptz", [datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC), None]),
        ("bytea", [b"", b"\x00\xff", None]),
        ("boolean", [True, None, False]),
        ("text", []),
    ],
)
async def test_a_list_is_an_array_of_its_elements(db, kind, values):
    async with db.transaction() as tx:
        assert await tx.scalar(f"SELECT CAST(:values AS {kind}[])", values=values) == values
        found = await tx.all(f"SELECT * FROM unnest(CAST(:values AS {kind}[])) WITH ORDINALITY AS t", values=values)
        assert [row[0] for row in found] == values


async def test_a_list_of_documents_is_an_array_of_them(db):
    documents = ['{"zh-CN": "\\"城\\", {}"}', None, "[1, 2]"]
    async with db.transaction() as tx:
        rows = (await tx.execute("SELECT unnest(CAST(:them AS jsonb[]))", them=documents)).scalars()
    assert rows == [{"zh-CN": '"城", {}'}, None, [1, 2]]


async def test_a_statement_made_anew_binds_the_same_list(db):
    """A table that changes under a prepared statement has the driver prepare and bind it once more."""
    ask = "SELECT kept_here.* FROM kept_here, unnest(CAST(:ids AS uuid[])) AS id"
    narrow = db.sibling(statement_timeout_ms=3_000, pool_connections=1)
    async with narrow.transaction() as tx:
        await tx.execute("CREATE TEMPORARY TABLE kept_here AS SELECT 1 AS one")
    async with narrow.glance() as tx:
        assert await tx.all(ask, ids=[uuid7()]) == [(1,)]
    async with narrow.transaction() as tx:
        await tx.execute("ALTER TABLE kept_here ADD COLUMN two integer DEFAULT 2")
    async with narrow.glance() as tx:
        assert await tx.all(ask, ids=[uuid7(), uuid7()]) == [(1, 2), (1, 2)]
    await narrow.close()


async def test_a_glance_begins_nothing(db):
    async with db.glance() as tx:
        assert await tx.scalar("SELECT 1") == 1
        assert not tx.driver.is_in_transaction()


async def test_whoever_is_cancelled_leaves_a_clean_connection(db):
    narrow = db.sibling(statement_timeout_ms=3_000, pool_connections=1)
    begun = asyncio.Event()

    async def wait_in_a_transaction():
        async with narrow.transaction() as tx:
            await tx.execute("CREATE TEMPORARY TABLE mine (id int)")
            begun.set()
            await tx.execute("SELECT pg_sleep(2)")

    task = asyncio.create_task(wait_in_a_transaction())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with narrow.transaction() as tx:
        assert await tx.scalar("SELECT to_regclass('mine')") is None
    assert narrow.connections_in_use() == 0
    await narrow.close()


async def test_instants_and_the_two_infinities_are_written_and_read_as_they_are(db):
    here = datetime(2026, 11, 23, 8, 30, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai"))
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    sql = "SELECT at, CAST(at AS text) FROM unnest(CAST(:at AS timestamptz[])) AS at"
    async with db.transaction() as tx:
        rows = await tx.all(sql, at=[here, datetime(1969, 1, 1, tzinfo=UTC), *ends])

    assert [row[1] for row in rows] == [
        "2026-11-23 00:30:00.123456+00",
        "1969-01-01 00:00:00+00",
        "-infinity",
        "infinity",
    ]
    assert [row[0] for row in rows] == [here, datetime(1969, 1, 1, tzinfo=UTC), *ends]
