"""The migrations of loyalty: up, down, up; and the tables the code names are the tables there are."""

import asyncio
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from loyalty_svc.earning.tables import earning_programme, order_earning
from loyalty_svc.ledger.tables import account, entry, posting
from loyalty_svc.metadata import metadata
from loyalty_svc.tiers.tables import membership, tier_plan
from moat.kit.db import migrations
from moat.kit.testing import TestDatabase


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


async def test_the_tables_are_those_the_code_names(database: TestDatabase):
    found = await inspected(database.owner_url, columns)

    assert set(metadata.sorted_tables) == {
        account,
        posting,
        entry,
        tier_plan,
        membership,
        earning_programme,
        order_earning,
    }
    for table in metadata.sorted_tables:
        assert found[table.name] == {(column.name, bool(column.nullable)) for column in table.columns}


async def test_up_down_up(database: TestDatabase):
    before = await inspected(database.owner_url, columns)

    await asyncio.to_thread(migrations.downgrade, database.owner_url, "loyalty_svc")
    between = await inspected(database.owner_url, columns)
    await asyncio.to_thread(migrations.upgrade, database.owner_url, "loyalty_svc")

    assert set(between) <= {"alembic_version"}
    assert await inspected(database.owner_url, columns) == before
