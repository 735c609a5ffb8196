"""The same facts, in any order of arrival and any split into batches, end in the same state; on PostgreSQL."""

import random
from typing import Any

import pytest

from customer_svc.features import SERVICE
from customer_svc.intake.translating import fact_of
from moat.kit.events import Event
from moat.kit.testing import deliver

from .builders import NOON, activity, cancelled, delayed, delivered, paid, placed, profile, refunded, shipped

RUNS = 6


def some_facts(chance: random.Random, run: str) -> list[Event[Any]]:
    """About forty facts of four people and eight orders; people are named by any of their identifiers."""
    people = [
        [
            f"main-{run}/customer_id/{n}a",
            f"erp-{run}/openid/{n}b",
            f"x/email/p{n}@{run}.cn",
            f"x/wechat_unionid/{run}-{n}",
        ]
        for n in range(4)
    ]

    def someone() -> list[str]:
        own = chance.choice(people)
        return chance.sample(own, chance.randint(1, 3))

    def when() -> dict[str, Any]:
        return {"day": chance.randint(0, 400) / 40, "source": f"/shop-{run}"}

    facts: list[Event[Any]] = []
    for number in range(8):
        order = f"o-{number}"
        facts += [
            make(order, *someone(), **when())
            for make in (placed, shipped, delivered, cancelled, delayed)
            if chance.random() < 0.5
        ]
        facts += [
            refunded(order, *someone(), amount=chance.randint(1, 700), refund=f"r{n}", **when())
            for n in range(chance.randint(0, 2))
        ]
        if chance.random() < 0.8:
            facts.append(paid(order, *someone(), total=chance.randint(0, 1000), **when()))
    for _ in range(6):
        fields = {"name": chance.choice(["王小明", "Li", None]), "emails": chance.choice([None, ["a@b.cn"]])}
        facts.append(profile(fields, *someone(), **when()))
        facts.append(activity("visited", *someone(), **when()))
    return facts


async def state(db, run: str) -> dict[str, Any]:
    """Customers by their identifiers, with figures and fields; orders with their owner; where facts and entries are."""
    async with db.transaction() as tx:
        names = await tx.all(
            """SELECT customer_id, array_agg(kind || '/' || value ORDER BY kind, value) AS names FROM identifier
               WHERE system LIKE :run OR value LIKE :run GROUP BY customer_id""",
            run=f"%{run}%",
        )
        who = {row.customer_id: tuple(row.names) for row in names}
        files = await tx.all("SELECT * FROM profile WHERE customer_id = ANY(CAST(:ids AS uuid[]))", ids=list(who))
        orders = await tx.all("SELECT * FROM customer_order WHERE source = :source", source=f"/shop-{run}")
        facts = await tx.all("SELECT event_id, customer_id FROM fact WHERE source = :source", source=f"/shop-{run}")
        told = await tx.all(
            """SELECT kind, event_id, customer_id FROM timeline WHERE event_id LIKE :run
               AND kind NOT IN ('customer.created', 'customer.merged', 'customer.profile_updated')""",
            run=f"{run}-%",
        )
    hidden = ("customer_id", "version", "order_uid")
    return {
        "customers": sorted(
            (who[row.customer_id], sorted((k, str(v)) for k, v in row._mapping.items() if k not in hidden))
            for row in files
        ),
        "orders": sorted(
            (
                row.order_id,
                who[row.customer_id],
                sorted((k, str(v)) for k, v in row._mapping.items() if k not in hidden),
            )
            for row in orders
        ),
        "facts": sorted((row.event_id, who[row.customer_id]) for row in facts),
        "timeline": sorted((row.kind, row.event_id, who[row.customer_id]) for row in told),
    }


def in_batches(chance: random.Random, facts: list[Event[Any]]) -> list[list[Event[Any]]]:
    shuffled = chance.sample(facts, len(facts))
    shuffled += chance.sample(facts, 5)
    size = chance.choice([1, 3, 10, len(shuffled)])
    return [shuffled[at : at + size] for at in range(0, len(shuffled), size)]


@pytest.mark.parametrize("seed", range(RUNS))
async def test_any_order_and_split_end_in_the_same_state(database_of, clock, seed):
    facts = some_facts(random.Random(seed), "one")
    for number, fact in enumerate(facts):
        fact.id = f"one-{number}"
    ends = []

    for way in range(2):
        db = (await database_of("customer_svc")).db
        for batch in in_batches(random.Random(f"{seed} {way}"), facts):
            await deliver(SERVICE, db, batch, clock)
        ends.append(await state(db, "one"))

    assert len(ends[0]["facts"]) == len(facts)
    assert ends[0] == ends[1]
    async with db.transaction() as tx:
        wrong = await tx.all(
            """SELECT p.customer_id FROM profile p LEFT JOIN LATERAL (
                 SELECT count(*) AS orders, min(o.paid_at) AS first, max(o.paid_at) AS last,
                        coalesce(sum(o.total_minor - least(o.refunded_minor, o.total_minor)), 0) AS spent
                 FROM customer_order o WHERE o.customer_id = p.customer_id AND o.paid_at IS NOT NULL) o ON true
               WHERE (p.orders_count, p.first_order_at, p.last_order_at, coalesce(CAST(p.spent->>'CNY' AS bigint), 0))
                 IS DISTINCT FROM (o.orders, o.first, o.last, CAST(o.spent AS bigint))"""
        )
    assert wrong == []


def test_facts_of_one_instant_are_told_apart_by_name(clock):
    stamps = {fact_of(paid(f"o-{n}", "main/customer_id/1"), clock.now()).stamp for n in range(3)}

    assert len(stamps) == 3
    assert min(stamps).startswith(f"{NOON:%Y-%m-%dT%H:%M:%S}")
