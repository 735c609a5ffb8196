"""Referrals where two things happen at one moment: a claim, an order, a reward that falls due; on PostgreSQL."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.features import SERVICE
from loyalty_svc.referrals import queries, settling
from moat.kit.timers.runner import fire

from .builders import paid
from .house import House
from .referral_club import KIND, START, available, bring, code_of, days_pass, some_customers, use

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def somebody_waits(house: House) -> None:
    for _ in range(500):
        async with house.db.transaction() as tx:
            if await tx.scalar(WAITING):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waited within five seconds")


async def test_a_reward_that_falls_due_and_an_order_of_the_friend_wait_for_each_other_in_one_direction(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, day=START))
    give, orders = settling._give, []

    async def give_late(*given: Any) -> None:
        orders.append(asyncio.create_task(house.learn(paid(wang, 20_000, day=START + 10))))
        await somebody_waits(house)
        await give(*given)

    monkeypatch.setattr(settling, "_give", give_late)
    house.clock.advance(timedelta(days=16))
    await fire(SERVICE, KIND, house.db, house.clock)
    await asyncio.gather(*orders)

    assert len(orders) == 1
    assert (await available(house, li), await available(house, wang)) == (100, 100 + 200 + 50)


async def test_an_order_that_is_taken_while_the_code_is_used_converts(house: House, monkeypatch: pytest.MonkeyPatch):
    li, wang = await some_customers(house)
    code, before = await code_of(house, li), queries.before

    async def before_late(*given: Any) -> Any:
        await house.learn(paid(wang, 10_000, day=START + 0.0001))
        return await before(*given)

    monkeypatch.setattr(queries, "before", before_late)
    assert (await use(house, wang, code))["status"] == "claimed"
    monkeypatch.undo()
    await days_pass(house, 1)

    ((_, about, _),) = await house.said("referral.converted")
    await days_pass(house, 15)
    assert (about, await available(house, li)) == (li, 100)
