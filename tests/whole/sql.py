"""Looking into a database, a statement at a time, for what no route shows."""

import asyncio
from typing import Any

import asyncpg


def fetch(url: str, statement: str, *values: Any) -> list[Any]:
    """The rows of one statement, as whoever the address names."""
    return asyncio.run(_fetch(url, statement, values))


async def _fetch(url: str, statement: str, values: tuple[Any, ...]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()
