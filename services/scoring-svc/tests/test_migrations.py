"""The migrations of scoring: up, down, up; and the tables the code names are the tables there are."""

import asyncio
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from moat.kit.db import migrations
from moat.kit.testing import TestDatabase
from scoring_svc.metadata import metadata
from scoring_svc.risk.tables import risk
from scoring_svc.silence.tables import purchase


async def inspected(url: str, look: Any) -> Any:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        found = await connection.run_sync(look)
    await engine.dispose()
    return found


def columns(connection: Connection) -> dict[str, set[tuple[str, bool]]]:
    there = inspect(connection)
    return {
        table: {(column["name"], column["nullable"]) for column in there.get_columns(table)}
        for table in there.get_table_names()
    }


async def test_the_tables_are_those_the_code_names(scoring: TestDatabase):
    found = await inspected(scoring.owner_url, columns)

    assert set(metadata.sorted_tables) == {purchase, risk}
    for table in metadata.sorted_tables:
        assert found[table.name] == {(column.name, bool(column.nullable)) for column in table.columns}


async def test_up_down_up(scoring: TestDatabase):
    before = await inspected(scoring.owner_url, columns)

    await asyncio.to_thread(migrations.downgrade, scoring.owner_url, "scoring_svc")
    between = await inspected(scoring.owner_url, columns)
    await asyncio.to_thread(migrations.upgrade, scoring.owner_url, "scoring_svc")

    assert set(between) <= {"alembic_version"}
    assert await inspected(scoring.owner_url, columns) == before
