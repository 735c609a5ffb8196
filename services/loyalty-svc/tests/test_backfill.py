"""What was earned before there were lots becomes lots when the ledger is migrated."""

from pathlib import Path
from runpy import run_path
from typing import Any

import asyncpg

import loyalty_svc
from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.ledger.audit import WRITING_OFF
from moat.kit.db.migrations import directory_of
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase

from .bank import Bank
from .builders import at, merged, paid, refunded
from .house import House
from .rulebook import put_in_force

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


async def test_lots_of_before_live_on_activity_where_their_type_did(house: House, database: TestDatabase):
    bank, li = Bank(house), uuid7()
    stamps = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}
    for begins, expiry in (
        (at(20), {"kind": "rolling", "days": 900}),
        (at(40), {"kind": "inactivity", "days": 50}),
        (at(60), {"kind": "inactivity", "days": 70}),
    ):
        await put_in_force(house, "stamps", stamps | {"expiry": expiry}, kind=ACCOUNT_TYPES, begins=begins)
    for ago in (90, 70, 50, 30):
        await bank.give(li, 10, type="stamps", ago=ago)
        await bank.give(li, 10, ago=ago)
    name = "versions/0017_lots_that_activity_keeps.py"
    script: dict[str, Any] = run_path(str(Path(directory_of(loyalty_svc.__name__), name)))
    marks = "SELECT account_type, idle_days FROM lot ORDER BY account_type DESC, earned_at"
    owner = await asyncpg.connect(database.owner_url)
    before = [tuple(row) for row in await owner.fetch(marks)]

    await owner.execute("UPDATE lot SET idle_days = NULL")
    await owner.execute(script["MARK"])

    assert [tuple(row) for row in await owner.fetch(marks)] == before
    await owner.close()
    assert before == [("stamps", days) for days in (0, 0, 50, 70)] + [("points", None)] * 4


async def test_debts_of_before_are_looked_for_where_they_are_written_off(house: House, database: TestDatabase):
    stamps = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}
    await put_in_force(house, "carried", stamps, kind=ACCOUNT_TYPES)
    for _ in range(2):
        await put_in_force(house, "written-off", stamps | {"debt": "write_off"}, kind=ACCOUNT_TYPES, begins=at(0))
    script = run_path(str(Path(directory_of(loyalty_svc.__name__), "versions/0017_lots_that_activity_keeps.py")))
    owner = await asyncpg.connect(database.owner_url)

    await owner.execute(script["WRITE_OFF"])

    found = await owner.fetch("SELECT key, due_at <= now() FROM timer WHERE kind = $1", WRITING_OFF)
    await owner.close()
    assert [tuple(row) for row in found] == [("written-off@2", True)]
