"""A programme that was published before rules were documents keeps its figures, its names and its times."""

import asyncio
import json

import asyncpg

from moat.kit.db import migrations
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase

from .builders import at, paid
from .house import House

TRIPLE = {
    "currencies": ["CNY"],
    "credits": ["points", "growth"],
    "rules": [
        {
            "code": "triple",
            "names": {"en": "Three"},
            "condition": {"combinator": "and", "rules": []},
            "award": {"kind": "rate", "points": 3, "per": "currency_unit", "rounding": "down"},
        }
    ],
}


async def test_versions_of_the_programme_become_versions_of_its_rules(house: House, database: TestDatabase):
    await asyncio.to_thread(migrations.downgrade, database.owner_url, "loyalty_svc", "0001")
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        "UPDATE earning_programme SET status = 'retired', valid_to = $1, retired_at = $1 WHERE version = 1", at(10)
    )
    await owner.execute(
        """INSERT INTO earning_programme (version, status, valid_from, document, author, created_at, published_at)
           VALUES (2, 'published', $1, $2, 'test', $1, $1)""",
        at(10),
        json.dumps(TRIPLE),
    )
    await owner.close()

    await asyncio.to_thread(migrations.upgrade, database.owner_url, "loyalty_svc")
    li = uuid7()
    await house.learn(paid(li, 10_000, day=11), paid(li, 10_000, day=9))

    assert await house.points(li) == (400, 400, 0)
    assert {told["rule"] for _, _, told in await house.said("points.earned")} == {"triple@2", "order-points@1"}
