"""Limits, budgets and guards over the real store: several consumers, several batches, merges."""

import asyncio
from typing import Any
from uuid import UUID

from moat.kit.ids import uuid7

from .builders import merged, paid, refunded
from .house import House
from .rulebook import a_rule, at_most, fixed, put_in_force, share


async def counted(house: House, scope: str) -> list[tuple[int, int]]:
    async with house.db.transaction() as tx:
        rows = await tx.all(
            "SELECT points, awards FROM earning_counter WHERE scope = :scope ORDER BY customer_id, starts_at",
            scope=scope,
        )
    return [tuple(row) for row in rows]


async def noted(house: House) -> list[tuple[Any, ...]]:
    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT rule, wanted, points, status, cut_by FROM award ORDER BY id")
    return [tuple(row) for row in rows]


async def given_by(house: House, rule: str) -> int:
    async with house.db.transaction() as tx:
        return await tx.scalar(
            "SELECT coalesce(sum(amount), 0)::bigint FROM entry e JOIN posting p ON p.id = e.posting_id"
            " WHERE rule = :rule AND account_type = 'points'",
            rule=rule,
        )


async def test_a_limit_holds_over_batches_and_says_what_it_cut(house: House):
    li = uuid7()
    await put_in_force(house, "bonus", a_rule(fixed(40), limits=[at_most(100)]))

    await house.learn(paid(li, 0), paid(li, 0))
    await house.learn(paid(li, 0), paid(li, 0))

    assert await house.points(li) == (100, 100, 0)
    assert await counted(house, "rule:bonus") == [(100, 3)]
    assert await noted(house) == [
        ("bonus@1", 40, 20, "cut", "customer/day/points"),
        ("bonus@1", 40, 0, "refused", "customer/day/points"),
    ]


async def test_a_budget_pays_its_last_point_once_however_many_consumers_there_are(house: House):
    await put_in_force(house, "budgeted", a_rule(fixed(7), budget=100))
    batches = [[paid(uuid7(), 0) for _ in range(10)] for _ in range(6)]

    await asyncio.gather(*[house.learn(*batch) for batch in batches])

    assert await given_by(house, "budgeted@1") == 100
    assert await counted(house, "rule:budgeted") == [(100, 15)]
    assert (await house.audit()).violations == []


async def test_one_customers_limit_holds_over_consumers(house: House):
    li = uuid7()
    await put_in_force(house, "bonus", a_rule(fixed(10), limits=[at_most(55, per="month")]))

    await asyncio.gather(*[house.learn(*[paid(li, 0) for _ in range(5)]) for _ in range(4)])

    assert await house.points(li) == (55, 55, 0)


async def test_a_second_delivery_counts_nothing_again(house: House):
    li = uuid7()
    await put_in_force(house, "bonus", a_rule(fixed(10), limits=[at_most(1_000)]))
    events = [paid(li, 100) for _ in range(3)]

    await house.learn(*events, *events)
    await asyncio.gather(house.learn(*events), house.learn(*reversed(events)))

    assert await counted(house, "rule:bonus") == [(30, 3)]
    assert await house.points(li) == (33, 33, 0)


async def test_the_same_order_told_twice_under_other_ids_counts_once(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "bonus", a_rule(fixed(10), budget=1_000))

    await asyncio.gather(*[house.learn(paid(li, 100, order=order)) for _ in range(4)])

    assert await counted(house, "rule:bonus") == [(10, 1)]
    assert await house.points(li) == (11, 11, 0)


async def test_an_order_and_its_refunds_with_different_consumers_count_once(house: House):
    li, others = uuid7(), [uuid7() for _ in range(2)]
    orders = [uuid7() for _ in range(30)]
    await put_in_force(house, "bonus", a_rule(fixed(100), budget=100_000))

    await asyncio.gather(
        house.learn(*[paid(li, 10_000, order=order) for order in orders]),
        *[
            house.learn(*[refunded(who, order, 5_000, refund=f"r-{n}") for order in orders])
            for n, who in enumerate(others)
        ],
    )

    assert await house.points(li) == (0, 30 * 200, 30 * 200)
    assert await counted(house, "rule:bonus") == [(3_000, 30)]


async def test_a_full_refund_of_what_was_cut_leaves_zero_in_any_order(house: House):
    li, orders = uuid7(), [uuid7() for _ in range(3)]
    await put_in_force(house, "bonus", a_rule(fixed(40), limits=[at_most(60)]))
    back = [refunded(li, order, 1_000, refund=f"r-{n}") for n, order in enumerate(orders)]

    await house.learn(back[0], *[paid(li, 1_000, order=order) for order in orders], *back[1:])

    assert await house.points(li) == (0, 90, 90)


async def test_merged_customers_share_what_was_counted(house: House):
    li, wang = uuid7(), uuid7()
    await put_in_force(house, "bonus", a_rule(fixed(10), limits=[at_most(45)]))
    await house.learn(paid(li, 0), paid(li, 0), paid(wang, 0))

    await house.learn(merged(li, wang), paid(li, 0), paid(wang, 0))

    assert await house.points(wang) == (45, 45, 0)
    assert await counted(house, "rule:bonus") == [(45, 5)]


async def test_limits_of_the_programme_are_over_all_rules(house: House):
    li = uuid7()
    await share(house, limits=[at_most(50, per="month")])
    await put_in_force(house, "bonus", a_rule(fixed(30)))

    await house.learn(paid(li, 3_000), paid(li, 3_000))

    assert await house.points(li) == (50, 50, 0)


async def test_a_rule_without_limits_touches_no_counter(house: House):
    await put_in_force(house, "bonus", a_rule(fixed(10)))

    await house.learn(paid(uuid7(), 100))

    assert await counted(house, "rule:bonus") == []
    assert await noted(house) == []


async def test_the_starting_programme_holds_and_cuts_nothing_of_ordinary_orders(house: House):
    li = uuid7()

    await house.learn(*[paid(li, 10_000, day=1 + n / 10_000) for n in range(300)])

    assert await house.points(li) == (30_000, 30_000, 0)
    assert await noted(house) == []


async def test_other_account_types_are_given_and_taken_back_by_themselves(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "no-growth", a_rule(fixed(101), credits=["points"]))

    await house.learn(paid(li, 10_000, order=order), refunded(li, order, 5_000))

    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT type, available FROM account WHERE customer_id = :id ORDER BY type", id=li)
    assert [tuple(row) for row in rows] == [("growth", 50), ("points", 50 + 50)]
    await house.learn(refunded(li, order, 5_000, refund="r-2"))
    assert (await house.points(li))[0] == 0
    assert (await house.audit()).violations == []


async def test_points_wait_as_long_as_their_rule_says(house: House):
    li: UUID = uuid7()
    await put_in_force(house, "patient", a_rule(fixed(10), pending_days=366))

    await house.learn(paid(li, 0))

    async with house.db.transaction() as tx:
        row = await tx.one("SELECT available, pending FROM account WHERE customer_id = :id AND type = 'points'", id=li)
    assert tuple(row) == (0, 10)
    assert [told["reason"] for _, _, told in await house.said("points.pending")] == ["order.paid"]


async def test_what_is_older_than_its_expiry_earns_and_expires_in_the_same_batch(house: House):
    li = uuid7()
    await put_in_force(house, "brief", a_rule(fixed(10), credits=["points"], expires={"kind": "rolling", "days": 7}))

    await house.learn(paid(li, 0))

    assert [name for name, _, _ in await house.said("points.earned", "points.expired")] == [
        "points.earned",
        "points.expired",
    ]
    assert (await house.points(li))[0] == 0
