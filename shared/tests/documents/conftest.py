"""A client of the tiny service over a database of its own."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from moat.kit.clock import FrozenClock
from moat.kit.testing.callers import staff
from moat.kit.testing.databases import TestDatabase
from moat.kit.testing.plugin import DatabaseOf

sys.path.insert(0, str(Path(__file__).parent / "shelves"))


@pytest.fixture
async def database(database_of: DatabaseOf) -> TestDatabase:
    return await database_of("shelf_svc")


@pytest.fixture
async def http(database: TestDatabase, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    from shelf_svc.features import SERVICE

    from moat.kit.testing.web import client_for

    async with client_for(SERVICE, database.db, clock) as client:
        client.headers.update(staff("shelf:read", "shelf:write"))
        yield client
