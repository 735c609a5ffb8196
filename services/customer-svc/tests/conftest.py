"""A migrated database of the customer service, and a client of its door."""

from collections.abc import AsyncIterator

import httpx
import pytest

from customer_svc.features import SERVICE
from moat.kit.db.database import Database
from moat.kit.testing.web import client_for


@pytest.fixture
async def db(database_of) -> Database:
    return (await database_of("customer_svc")).db


@pytest.fixture
async def client(db, clock) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(SERVICE, db, clock) as client:
        yield client
