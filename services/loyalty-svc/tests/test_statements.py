"""How many statements things take: what does not grow with a batch, and what is not asked when nothing is concerned."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.accounts.types import RollingExpiry
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import queries as ledger_queries
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.posting import COMPENSATION, Basis, Cause, Kind, Posting, owed
from moat.kit.db import transaction
from moat.kit.db.asking import ask
from moat.kit.ids import uuid7

from .bank import Bank
from .house import House

CREDITS = ("points", "growth")
EARNED, REVERSED = Basis(Kind.EARNED, "order.paid", CREDITS, "r@1"), Basis(Kind.REVERSED, "order.refunded", CREDITS)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent meanwhile, BEGIN and COMMIT apart."""
    sent: list[str] = []

    async def note(driver: Any, sql: str, values: Any) -> Any:
        sent.append(" ".join(sql.split()[:3]))
        return await ask(driver, sql, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "ask", note)
        yield sent


def awards(who: list[UUID], number: int, house: House, basis: Basis = EARNED, points: int = 10) -> list[Posting]:
    now = house.clock.now()
    return [
        owed(who[place % len(who)], basis, points, at=now, cause=Cause(UUID(int=place + 1), "r", "e"))
        for place in range(number)
    ]


@pytest.mark.parametrize("orders", [1, 200])
async def test_a_batch_of_orders_takes_three_statements_whatever_its_size(house: House, orders: int):
    run = awards([uuid7() for _ in range(50)], orders, house)
    async with house.db.transaction() as tx:
        await account_types(tx)  # Read and compiled once in a process.

    with counted() as sent:
        async with house.db.transaction() as tx:
            _, touched = await ledger.post(tx, run, now=house.clock.now())
            await ledger.expire_due(tx, touched, now=house.clock.now())

    # The account types, all accounts, and all postings with their entries and lots.
    assert [one.split()[0] for one in sent] == ["SELECT", "INSERT", "WITH"]


async def test_awards_of_many_rules_are_one_statement_and_each_keeps_its_own(house: House):
    li = uuid7()
    said = [(f"reason.{n}", f"rule-{n}@{n}", f"/condition/rules/{n}") for n in range(1, 40)] + [("gift", None, None)]
    bases = [Basis(Kind.EARNED, reason, CREDITS, rule, matched) for reason, rule, matched in said]
    run = [
        owed(li, bases[n % 40], n + 1, at=house.clock.now(), cause=Cause(UUID(int=n), f"part-{n}", f"event-{n}"))
        for n in range(120)
    ]

    with counted() as sent:
        async with house.db.transaction() as tx:
            await ledger.post(tx, run, now=house.clock.now())

    assert [one.split()[0] for one in sent].count("WITH") == 1
    async with house.db.transaction() as tx:
        rows = await tx.all(
            """SELECT p.reason, p.rule, p.matched, p.cause_part, p.event_id, array_agg(DISTINCT e.amount), l.amount
               FROM posting p JOIN entry e ON e.posting_id = p.id JOIN lot l ON l.posting_id = p.id
               GROUP BY p.id, l.amount ORDER BY p.cause_id"""
        )
    assert [tuple(row) for row in rows] == [
        (*said[n % 40], f"part-{n}", f"event-{n}", [n + 1], n + 1) for n in range(120)
    ]


async def test_postings_that_do_something_else_are_stored_by_themselves(house: House):
    li, now = uuid7(), house.clock.now()
    month = RollingExpiry(kind="rolling", days=30)
    bases = [
        Basis(Kind.EARNED, "a", CREDITS, "r@1"),
        Basis(Kind.EARNED, "a", ("points",), "r@1"),
        Basis(Kind.EARNED, "a", ("points",), "r@1", pending=timedelta(days=1)),
        Basis(Kind.EARNED, "a", ("points",), "r@1", expires=month),
        Basis(Kind.EARNED, "a", ("points",), "r@1", programme=COMPENSATION),
        Basis(Kind.ADJUSTED, "a", ("points",), "r@1", programme=COMPENSATION),
    ]

    async with house.db.transaction() as tx:
        run = [owed(li, basis, 1, at=now, cause=Cause(UUID(int=n), "p", "e")) for n, basis in enumerate(bases * 2)]
        await ledger.post(tx, run, now=now)

    async with house.db.transaction() as tx:
        rows = await tx.all(
            """SELECT p.kind, e.programme, count(e.*), l.is_pending, l.available_at, l.expires_at
               FROM posting p JOIN entry e ON e.posting_id = p.id JOIN lot l ON l.posting_id = p.id
               GROUP BY p.id, e.programme, l.is_pending, l.available_at, l.expires_at ORDER BY p.cause_id"""
        )
    usual, soon, later = now + timedelta(days=730), now + timedelta(days=30), now + timedelta(days=1)
    assert [tuple(row) for row in rows] == 2 * [
        ("earned", "liability", 2, False, now, usual),
        ("earned", "liability", 1, False, now, usual),
        ("earned", "liability", 1, True, later, usual),
        ("earned", "liability", 1, False, now, soon),
        ("earned", "compensation", 1, False, now, usual),
        ("adjusted", "compensation", 1, False, now, usual),
    ]


@pytest.mark.parametrize("orders", [1, 200])
async def test_a_batch_of_refunds_takes_three_more(house: House, orders: int):
    who = [uuid7() for _ in range(50)]
    async with house.db.transaction() as tx:
        await ledger.post(tx, awards(who, orders, house), now=house.clock.now())

    with counted() as sent:
        async with house.db.transaction() as tx:
            run = awards(who, orders, house, REVERSED, -4)
            _, touched = await ledger.post(tx, run, now=house.clock.now())
            await ledger.expire_due(tx, touched, now=house.clock.now())

    # Then the accounts, their lots, and the lots as they are now.
    assert [one.split()[0] for one in sent] == ["SELECT", "INSERT", "WITH", "SELECT", "WITH", "UPDATE"]
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM lot WHERE reversed = 4 AND remaining = 6") == orders


async def test_a_redemption_takes_eight_statements_in_all(house: House):
    bank, li = Bank(house), uuid7()
    await bank.give(li, 100)

    with counted() as sent:
        await bank.spend(li, 30)

    # Merges held off, the customer's name, the types; then debit, posting, lots read and written; and the event.
    assert len(sent) == 8


_FETCHED = """
SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables
WHERE relname IN ('posting', 'entry')
"""


async def test_a_members_history_reads_his_postings_and_nobody_elses(house: House):
    """On tables that nobody has analysed yet, by a plan that was made for any number of members."""
    li, others = uuid7(), [uuid7() for _ in range(50)]
    async with house.db.transaction() as tx:
        await ledger.post(tx, awards(others, 1_000, house), now=house.clock.now())
        cause = Cause(UUID(int=10**6), "r", "e")
        await ledger.post(tx, [owed(li, EARNED, 7, at=house.clock.now(), cause=cause)], now=house.clock.now())

    async with house.db.transaction() as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        before = await tx.scalar(_FETCHED)
        found = await ledger_queries.history(tx, [li], "growth")
        read = await tx.scalar(_FETCHED) - before

    assert found == {li: [(house.clock.now(), 7)]}
    assert read == 2
