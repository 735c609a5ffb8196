"""What every service's migrations are held to: up, down and up again, and the tables that the code names."""

import asyncio
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from moat.kit.db import migrations
from moat.kit.testing.databases import TestDatabase

Columns = dict[str, set[tuple[str, bool]]]
"""Table → (column, whether it may be null)."""


async def columns_of(url: str) -> Columns:
    """What is in the database at `url`."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_columns)
    finally:
        await engine.dispose()


def _columns(connection: Connection) -> Columns:
    there = inspect(connection)
    return {
        table: {(column["name"], column["nullable"]) for column in there.get_columns(table)}
        for table in there.get_table_names()
    }


async def assert_tables_agree(database: TestDatabase, package: str) -> None:
    """Every table that a feature's `tables.py` names is there, column for column."""
    for feature in Path(str(import_module(package).__file__)).parent.glob("*/tables.py"):
        import_module(f"{package}.{feature.parent.name}.tables")
    declared = import_module(f"{package}.metadata").metadata.sorted_tables
    assert declared, f"{package} declares no tables"
    found = await columns_of(database.owner_url)
    for table in declared:
        assert found.get(table.name) == {(column.name, bool(column.nullable)) for column in table.columns}, table.name


async def assert_up_down_up(database: TestDatabase, package: str) -> None:
    """Down leaves nothing behind, and up again is what it was."""
    before = await columns_of(database.owner_url)

    await asyncio.to_thread(migrations.downgrade, database.owner_url, package)
    between = await columns_of(database.owner_url)
    await asyncio.to_thread(migrations.upgrade, database.owner_url, package)

    assert set(between) <= {"alembic_version"}
    assert await columns_of(database.owner_url) == before
