"""The audit finds what is planted, and the ledger refuses it in the first place."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase
from moat.kit.testing.callers import key, staff
from moat.kit.testing.web import client_for

from .builders import paid, refunded
from .house import House

Plant = Callable[..., Awaitable[str]]
UNGUARDED = "ALTER TABLE posting DISABLE TRIGGER USER; ALTER TABLE entry DISABLE TRIGGER USER;"
GUARDED = "ALTER TABLE posting ENABLE TRIGGER USER; ALTER TABLE entry ENABLE TRIGGER USER;"
ANOTHER = """INSERT INTO posting
  SELECT gen_random_uuid(), customer_id, at, cause_id, seal, kind, cause_part, reason, event_id FROM posting LIMIT 1"""

A_HOLD = """INSERT INTO hold (id, customer_id, account_type, amount, confirmed, status, made_at, until, resolved_at,
                              reason, cause_id, cause_part, event_id, posting_id)
  SELECT gen_random_uuid(), customer_id, 'points', 5, {confirmed}, '{status}', now(), now(), {resolved}, 'x',
         gen_random_uuid(), '', '', {posting} FROM account LIMIT 1"""


@pytest.fixture
async def plant(database: TestDatabase) -> AsyncIterator[Plant]:
    """Do harm as the owner, who may do everything."""
    owner = await asyncpg.connect(database.owner_url)
    yield owner.execute
    await owner.close()


@pytest.fixture
async def ledger(house: House) -> House:
    li, order = uuid7(), uuid7()
    await house.learn(paid(li, 30_000, order=order), refunded(li, order, 9_000), paid(uuid7(), 5_000))
    return house


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("DELETE FROM entry WHERE posting_id = (SELECT min(id::text)::uuid FROM posting)", {"L1", "L2"}),
        ("DELETE FROM posting WHERE kind = 'reversed'", {"L1", "L2"}),
        (
            "CREATE OR REPLACE VIEW leg AS SELECT posting_id, account_type, customer_id, programme, amount FROM entry",
            {"L1"},
        ),
        ("UPDATE account SET available = available + 1 WHERE type = 'points'", {"L2", "L5"}),
        ("UPDATE account SET available = -100, reserved = 4 WHERE type = 'growth'", {"L2", "L3", "L6"}),
        ("UPDATE lot SET remaining = remaining - 1", {"L5"}),
        ("UPDATE lot SET is_pending = true WHERE remaining > 0", {"L5"}),
        (A_HOLD.format(confirmed=0, status="held", resolved="NULL", posting="NULL"), {"L6"}),
        (A_HOLD.format(confirmed=5, status="confirmed", resolved="now()", posting="gen_random_uuid()"), {"L7"}),
        ("UPDATE account SET earned_total = earned_total + 1", {"L2"}),
        (f"DROP INDEX posting_once; {ANOTHER}", {"L1", "L4", "L8"}),
        ("UPDATE entry SET amount = amount + 1", {"L2", "L8"}),
        ("UPDATE entry SET balance_after = 0", {"L8"}),
        ("UPDATE posting SET at = at + interval '1 day' WHERE kind = 'reversed'", {"L8"}),
    ],
)
async def test_each_planted_violation_is_found(ledger: House, plant: Plant, harm: str, found: set[str]):
    assert (await ledger.audit()).violations == []

    await plant(UNGUARDED + harm + ";" + GUARDED)

    violations = (await ledger.audit()).violations
    assert {violation.invariant for violation in violations} == found
    assert all(violation.times >= len(violation.examples) > 0 for violation in violations)


async def test_a_missing_guard_is_a_violation(ledger: House, plant: Plant):
    await plant("ALTER TABLE entry DISABLE TRIGGER entry_grows_only")

    (violation,) = (await ledger.audit()).violations
    assert violation.invariant == "L8"
    assert "entry_grows_only" in violation.examples[0]["what"]


@pytest.mark.parametrize("table", ["posting", "entry"])
@pytest.mark.parametrize("change", ["UPDATE {} SET customer_id = customer_id", "DELETE FROM {}", "TRUNCATE {}"])
async def test_nobody_changes_the_ledger(ledger: House, plant: Plant, table: str, change: str):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with ledger.db.transaction() as tx:
            await tx.execute(change.format(table))
    with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
        await plant(change.format(table))


@pytest.mark.parametrize("table", ["earning_programme", "tier_plan"])
async def test_a_published_document_is_never_rewritten(plant: Plant, table: str):
    for change in (f"UPDATE {table} SET document = '{{}}'", f"DELETE FROM {table}"):
        with pytest.raises(asyncpg.RestrictViolationError, match="write a new one"):
            await plant(change)


async def test_operators_read_the_audit_and_nobody_else(ledger: House):
    async with client_for(SERVICE, ledger.db, ledger.clock) as http:
        answer = await http.get("/v1/loyalty/audit", headers=key("ops"))
        refused = await http.get("/v1/loyalty/audit", headers=staff("loyalty:read"))

    assert answer.json() | {"totals": {}} == {
        "accounts": 4,
        "postings": 3,
        "entries": 12,
        "violations": [],
        "totals": {},
    }
    assert answer.json()["totals"]["points"] == {
        "earned": 350,
        "reversed": 90,
        "spent": 0,
        "expired": 0,
        "adjusted": 0,
        "available": 260,
        "pending": 0,
        "reserved": 0,
    }
    assert refused.status_code == 403
