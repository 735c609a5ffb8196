"""Members who redeem at the same moment share a transaction, and each gets what he would have got alone."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row

from loyalty_svc.features import SERVICE
from loyalty_svc.ledger.problems import InsufficientPoints
from loyalty_svc.rewards import api
from loyalty_svc.rewards.redeeming import Wish, redeem
from loyalty_svc.rewards.reward import hand_out
from moat.kit.ids import uuid7
from moat.kit.problems import Problem
from moat.kit.testing.web import client_for
from moat.kit.web import LATER

from .bank import Bank
from .builders import merged
from .coupon_shop import Shop, amount_off
from .house import House
from .reward_shop import RewardShop, a_reward
from .test_statements import counted


@pytest.fixture
def shop(house: House) -> RewardShop:
    return RewardShop(Shop(house))


async def together(shop: RewardShop, *wishes: tuple[UUID, str]) -> list[Any]:
    """What became of each: the state of the redemption, or the code of the problem."""
    async with shop.house.db.transaction() as tx:
        ended = await redeem(tx, [Wish(who, reward, 1) for who, reward in wishes], now=shop.house.clock.now())
    return [one.code if isinstance(one, Problem) else one.state for one in ended]


async def of_one_process(shop: RewardShop, *asked: tuple[UUID, dict[str, Any], str]) -> list[Any]:
    """The answers to requests that one process gets at once: whose, the body, the key."""
    async with client_for(SERVICE, shop.house.db, shop.house.clock) as http:
        return await asyncio.gather(
            *(
                http.post(
                    f"/v1/customers/{who}/loyalty/redemptions",
                    json=body,
                    headers=shop.staff | {"Idempotency-Key": key, "traceparent": trace_of(key)},
                )
                for who, body, key in asked
            )
        )


def trace_of(key: str) -> str:
    return f"00-{abs(hash(key)):032x}-00000000000000aa-00"


async def test_each_is_granted_or_refused_by_himself(shop: RewardShop):
    rich, poor, full, payer = [await shop.member(points) for points in (500, 50, 500, 500)]
    await shop.publish("mug", a_reward(100, per_customer={"times": 1}))
    money = {"currency": "CNY", "amount_minor": 900}
    await shop.publish("bag", a_reward(100) | {"price": {"points": 100, "money": money}})
    await shop.redeem(full, "mug")

    wishes = [(poor, "mug"), (rich, "mug"), (full, "mug"), (payer, "bag"), (uuid7(), "mug"), (uuid7(), "nonsense")]
    ended = await together(shop, *wishes)

    short, not_had = "points.insufficient", "rewards.not-available"
    assert ended == [short, "redeemed", not_had, "rewards.payment-needed", short, "rewards.unknown"]
    assert [(await shop.balance(who))[0] for who in (rich, poor, full, payer)] == [400, 50, 400, 500]
    assert (await shop.house.audit()).violations == []


async def test_the_last_pieces_go_to_those_who_came_first_and_the_others_have_never_paid(shop: RewardShop):
    members = [await shop.member(100) for _ in range(4)]
    await shop.publish("mug", a_reward(100, stock=2))
    before = await accounts(shop)

    ended = await together(shop, *((who, "mug") for who in members))

    assert ended == ["redeemed", "redeemed", "rewards.not-available", "rewards.not-available"]
    assert await shop.gone("mug") == 2
    after = await accounts(shop)
    assert {who: after[who] for who in members[2:]} == {who: before[who] for who in members[2:]}
    assert Counter(about for _, about, _ in await shop.house.said("points.spent")) == Counter(members[:2])
    assert (await shop.house.audit()).violations == []


async def accounts(shop: RewardShop) -> dict[UUID, tuple[Any, ...]]:
    async with shop.house.db.transaction() as tx:
        rows = await tx.all("SELECT * FROM account WHERE type = 'points' ORDER BY customer_id")
    return {row.customer_id: tuple(row) for row in rows}


def test_a_piece_that_is_too_many_for_one_is_left_for_the_next():
    refused = hand_out(3, [2, 2, 1, 1])

    assert [one and one.facts for one in refused] == [None, {"left": 1}, None, {"left": 0}]


async def test_what_has_expired_pays_for_nobody_and_the_refusal_says_what_is_there(shop: RewardShop):
    bank = Bank(shop.house)
    li, wang = await shop.member(0), await shop.member(0)
    for who in (li, wang):
        await bank.give(who, 80, ago=729)
        await bank.give(who, 60 if who == li else 100)
    await shop.publish("mug", a_reward(100))
    shop.house.clock.advance(timedelta(days=2))

    async with shop.house.db.transaction() as tx:
        refused, had = await redeem(tx, [Wish(li, "mug", 1), Wish(wang, "mug", 1)], now=shop.house.clock.now())

    assert isinstance(refused, InsufficientPoints)
    assert refused.facts == {"account_type": "points", "available": 60, "requested": 100}
    assert isinstance(had, Row)
    assert [(await shop.balance(who))[0] for who in (li, wang)] == [60, 0]
    assert await bank.violations() == []


async def test_who_has_become_one_with_another_goes_with_the_next(shop: RewardShop):
    li, wang = await shop.member(100), await shop.member(100)
    await shop.house.learn(merged(li, wang))

    async with shop.house.db.transaction() as tx:
        wishes = [Wish(li, "plant-a-tree", 1), Wish(wang, "plant-a-tree", 1)]
        first, second = await api.redeem(tx, wishes, shop.house.clock)

    assert second is LATER
    assert first.customer_id == wang
    assert await shop.balance(wang) == (100, 0)


@pytest.mark.parametrize("members", [2, 30])
async def test_a_batch_takes_as_many_statements_whatever_its_size(shop: RewardShop, members: int):
    await shop.publish("mug", a_reward(100, stock=100, per_customer={"times": 1}))
    await shop.coupons.publish("twenty-off", amount_off(2000))
    await shop.publish("voucher", a_reward(50) | {"kind": "coupon", "coupon": "twenty-off"})
    who = [await shop.member(100) for _ in range(members)]
    warm_up = [await shop.member(100), await shop.member(100)]
    await together(shop, (warm_up[0], "mug"), (warm_up[1], "voucher"))

    with counted() as sent:
        ended = await together(shop, *((one, ("mug", "voucher")[place % 2]) for place, one in enumerate(who)))

    assert Counter(ended) == {"redeemed": members // 2, "fulfilled": members // 2}
    # Documents, limits (two), the coupon, accounts, shelf (two), postings of both rewards, lots (two), the
    # coupon again and its codes (two), redemptions, events.
    assert len(sent) == 15


async def test_two_hundred_of_one_process_race_for_the_last_ten_and_nobody_else_pays(shop: RewardShop):
    members = [await shop.member(100) for _ in range(200)]
    await shop.publish("mug", a_reward(100, stock=10))

    answers = await of_one_process(shop, *((who, {"reward": "mug"}, str(who)) for who in members))

    await shop.served_only(10, "mug", members, answers)


async def test_one_member_of_one_process_is_served_in_turn_and_each_event_names_the_request_behind_it(shop: RewardShop):
    li, others = await shop.member(150), [await shop.member(100) for _ in range(8)]
    body = {"reward": "plant-a-tree"}
    twice = [(li, body, "li-1"), (li, body, "li-2"), (li, body, "li-1")]

    answers = await of_one_process(shop, *twice, *((who, body, str(who)) for who in others))

    assert [answer.status_code for answer in answers] == [201, 409, 201, *[201] * 8]
    assert answers[2].content == answers[0].content
    assert answers[2].headers["idempotent-replayed"] == "true"
    assert await shop.balance(li) == (50, 0)
    sql = "SELECT key, headers ->> 'traceparent' FROM outbox WHERE type = 'moat.reward.redeemed.v1'"
    async with shop.house.db.transaction() as tx:
        traces = {UUID(row[0]): row[1].split("-")[1] for row in await tx.all(sql)}
    asked = {li: "li-1"} | {who: str(who) for who in others}
    assert traces == {who: trace_of(key).split("-")[1] for who, key in asked.items()}
