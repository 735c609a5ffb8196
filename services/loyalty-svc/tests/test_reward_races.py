"""The last pieces, under many hands at once, on real connections."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from loyalty_svc.rewards.tables import RELEASE

from .coupon_shop import Shop
from .house import House
from .reward_shop import RewardShop, a_reward


@pytest.fixture
def shop(house: House) -> RewardShop:
    return RewardShop(Shop(house))


@pytest.mark.parametrize("reserve", [False, True])
async def test_two_hundred_race_for_the_last_ten_and_nobody_else_pays(shop: RewardShop, reserve: bool):
    members = [await shop.member(100) for _ in range(200)]
    await shop.publish("mug", a_reward(100, stock=10))

    answers = await asyncio.gather(*[shop.insist(who, "mug", reserve=reserve) for who in members])

    await shop.served_only(10, "mug", members, answers)


async def test_one_member_everywhere_at_once_gets_no_more_than_his_share(shop: RewardShop):
    li = await shop.member(1000)
    await shop.publish("mug", a_reward(10, per_customer={"times": 2}))

    answers = await asyncio.gather(*[shop.redeem(li, "mug") for _ in range(12)])

    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 10}
    assert await shop.balance(li) == (980, 0)


async def test_points_are_spent_once_however_many_rewards_are_asked_for(shop: RewardShop):
    li = await shop.member(100)

    answers = await asyncio.gather(*[shop.redeem(li, "plant-a-tree") for _ in range(10)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert await shop.balance(li) == (0, 0)


async def test_the_same_key_redeems_once(shop: RewardShop):
    li = await shop.member(1000)
    path, body = f"/v1/customers/{li}/loyalty/redemptions", {"reward": "plant-a-tree"}

    answers = await asyncio.gather(*[shop.ask("POST", path, body, **{"Idempotency-Key": "k"}) for _ in range(8)])

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await shop.balance(li) == (900, 0)


async def test_confirmations_cancellations_and_time_outs_at_once_are_one_of_them_each(shop: RewardShop):
    members = [await shop.member(100) for _ in range(9)]
    await shop.publish("mug", a_reward(100, stock=9))
    ids = [(await shop.redeem(who, "mug", reserve=True, minutes=1)).json()["id"] for who in members]
    shop.house.clock.advance(timedelta(seconds=59))

    async def time_passes() -> None:
        shop.house.clock.advance(timedelta(seconds=1))
        await asyncio.gather(shop.fire(RELEASE), shop.fire("points.hold"))

    await asyncio.gather(
        *[shop.act(who, id_, "confirm") for who, id_ in zip(members, ids, strict=True)],
        *[shop.act(who, id_, "cancel") for who, id_ in zip(members, ids, strict=True)],
        time_passes(),
    )
    await shop.fire(RELEASE)
    await shop.fire("points.hold")

    paid = [who for who in members if await shop.balance(who) == (0, 0)]
    kept = [who for who in members if await shop.balance(who) == (100, 0)]
    assert len(paid) + len(kept) == 9
    assert await shop.gone("mug") == len(paid)
    assert (await shop.house.audit()).violations == []
