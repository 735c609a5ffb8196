"""The gateway's database: up, down, up, and the tables are what `tables.py` says."""

import asyncpg

from gateway.identity.tables import metadata
from moat.kit.db.migrations import downgrade, upgrade


async def columns(url):
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        return {(row["table_name"], row["column_name"]) for row in rows}
    finally:
        await connection.close()


async def test_migrations_go_up_down_and_up_again(templates):
    urls = await templates.bare("gateway")

    upgrade(urls.owner, "gateway")
    first = await columns(urls.owner)
    downgrade(urls.owner, "gateway")
    empty = await columns(urls.owner)
    upgrade(urls.owner, "gateway")

    declared = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    assert declared <= first
    assert {table for table, _ in empty} == {"alembic_version"}
    assert await columns(urls.owner) == first
    await templates.drop(urls.owner)
