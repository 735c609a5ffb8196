"""Several consumers at once, on the same accounts and the same orders."""

import asyncio

from moat.kit.ids import uuid7

from .builders import merged, paid, refunded
from .house import House


async def test_consumers_on_one_account_lose_nothing(house: House):
    members = [uuid7() for _ in range(5)]
    batches = [
        [paid(who, 1_000) for _ in range(10) for who in sorted(members, key=lambda _: uuid7())] for _ in range(6)
    ]

    await asyncio.gather(*[house.learn(*batch) for batch in batches])

    assert {await house.points(who) for who in members} == {(600, 600, 0)}
    assert (await house.audit()).violations == []


async def test_an_order_and_its_refunds_with_different_consumers_end_as_with_one(house: House):
    li, others = uuid7(), [uuid7() for _ in range(3)]
    orders = [uuid7() for _ in range(40)]
    # A refund may name somebody else, so its consumer does not wait for the order's account.
    batches = [
        [paid(li, 10_000, order=order) for order in orders],
        *[
            [refunded(who, order, 2_500, refund=f"r-{number}") for order in orders]
            for number, who in enumerate(others, 1)
        ],
    ]

    await asyncio.gather(*[house.learn(*batch) for batch in batches])

    assert await house.points(li) == (40 * 25, 4_000, 3_000)
    assert (await house.audit()).violations == []


async def test_the_same_batch_with_two_consumers_counts_once(house: House):
    li = uuid7()
    batch = [paid(li, 1_000) for _ in range(50)]

    await asyncio.gather(house.learn(*batch), house.learn(*batch), house.learn(*reversed(batch)))

    assert await house.points(li) == (500, 500, 0)


async def test_orders_in_flight_while_two_become_one_land_on_the_survivor(house: House):
    li, wang = uuid7(), uuid7()
    batches = [[paid(li, 1_000) for _ in range(20)] for _ in range(4)]

    await asyncio.gather(
        *[house.learn(*batch) for batch in batches[:2]],
        house.learn(merged(li, wang)),
        *[house.learn(*batch) for batch in batches[2:]],
    )

    assert await house.points(wang) == (800, 800, 0)
    assert await house.points(li) == (0, 0, 0)
    assert (await house.audit()).violations == []
