"""What was earned before there were lots becomes lots when the ledger is migrated."""

from pathlib import Path
from runpy import run_path
from typing import Any

import asyncpg

import loyalty_svc
from moat.kit.db.migrations import directory_of
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase

from .builders import merged, paid, refunded
from .house import House

LOTS = """SELECT posting_id, customer_id, earned_at, available_at, expires_at, amount, remaining, reversed FROM lot
          ORDER BY posting_id"""


async def test_orders_refunds_and_merges_of_before_become_the_lots_they_would_have_been(
    house: House, database: TestDatabase
):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(
        paid(li, 10_000, order=order), refunded(li, order, 3_000), paid(li, 500), paid(wang, 7_000), merged(li, wang)
    )
    script: dict[str, Any] = run_path(str(Path(directory_of(loyalty_svc.__name__), "versions/0003_ledger_depth.py")))
    owner = await asyncpg.connect(database.owner_url)
    before = await owner.fetch(LOTS)

    await owner.execute("DELETE FROM lot")
    await owner.execute(script["WHAT_WAS_EARNED"].replace(":days", str(script["DAYS"])))

    assert await owner.fetch(LOTS) == before
    await owner.close()
    assert len(before) == 3
    assert (await house.audit()).violations == []
