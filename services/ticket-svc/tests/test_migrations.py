"""The migrations of tickets: up, down, up; and the tables the code names are the tables there are."""

import asyncio
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from moat.kit.db import migrations
from moat.kit.testing import TestDatabase
from ticket_svc.metadata import metadata
from ticket_svc.rules.tables import rule, rule_signal
from ticket_svc.tickets.tables import ticket, ticket_entry


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


async def test_the_tables_are_those_the_code_names(tickets: TestDatabase):
    found = await inspected(tickets.owner_url, columns)

    assert set(metadata.sorted_tables) == {ticket, ticket_entry, rule, rule_signal}
    for table in metadata.sorted_tables:
        assert found[table.name] == {(column.name, bool(column.nullable)) for column in table.columns}


async def test_up_down_up(tickets: TestDatabase):
    before = await inspected(tickets.owner_url, columns)

    await asyncio.to_thread(migrations.downgrade, tickets.owner_url, "ticket_svc")
    between = await inspected(tickets.owner_url, columns)
    await asyncio.to_thread(migrations.upgrade, tickets.owner_url, "ticket_svc")

    assert set(between) <= {"alembic_version"}
    assert await inspected(tickets.owner_url, columns) == before
