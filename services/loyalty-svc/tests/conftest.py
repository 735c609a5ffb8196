"""Fixtures of the loyalty service."""

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.db.database import Database
from moat.kit.testing import TestDatabase
from moat.kit.testing.plugin import DatabaseOf

from .house import House


@pytest.fixture
async def database(database_of: DatabaseOf) -> TestDatabase:
    """A fresh database of the loyalty service."""
    return await database_of("loyalty_svc")


@pytest.fixture
def db(database: TestDatabase) -> Database:
    """The same, as the service's role."""
    return database.db


@pytest.fixture
def house(db: Database, clock: FrozenClock) -> House:
    """The service over a fresh database, with short ways to tell it things and to ask."""
    return House(db, clock)
