"""Fixtures of the scoring service."""

import pytest

from moat.kit.testing import TestDatabase
from moat.kit.testing.plugin import DatabaseOf


@pytest.fixture
async def scoring(database_of: DatabaseOf) -> TestDatabase:
    """A fresh database of the scoring service."""
    return await database_of("scoring_svc")
