"""The migrations of the customer service: up, down, up; and the tables the code names are the tables there are."""

import asyncio
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from customer_svc.consents.tables import consent
from customer_svc.identity.tables import identifier, merge, merge_proposal
from customer_svc.intake.tables import fact
from customer_svc.metadata import metadata
from customer_svc.orders.tables import customer_order
from customer_svc.profiles.tables import profile
from customer_svc.timeline.tables import timeline
from moat.kit.db import migrations


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


async def test_the_tables_are_those_the_code_names(database_of):
    found = await inspected((await database_of("customer_svc")).owner_url, columns)

    assert set(metadata.sorted_tables) == {
        consent,
        customer_order,
        fact,
        identifier,
        merge,
        merge_proposal,
        profile,
        timeline,
    }
    for table in metadata.sorted_tables:
        assert found[table.name] == {(column.name, bool(column.nullable)) for column in table.columns}


async def test_up_down_up(database_of):
    url = (await database_of("customer_svc")).owner_url
    before = await inspected(url, columns)

    await asyncio.to_thread(migrations.downgrade, url, "customer_svc")
    between = await inspected(url, columns)
    await asyncio.to_thread(migrations.upgrade, url, "customer_svc")

    assert set(between) <= {"alembic_version"}
    assert await inspected(url, columns) == before
