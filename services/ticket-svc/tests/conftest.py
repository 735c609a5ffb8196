"""Fixtures of the ticket service."""

import pytest

from moat.kit.testing import TestDatabase
from moat.kit.testing.plugin import DatabaseOf


@pytest.fixture
async def tickets(database_of: DatabaseOf) -> TestDatabase:
    """A fresh database of the ticket service."""
    return await database_of("ticket_svc")
