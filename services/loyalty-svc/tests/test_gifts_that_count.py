"""Gifts in what the tier plan counts: tiers follow when they are given and when they are taken back; on PostgreSQL."""

from typing import Any

import pytest

from loyalty_svc.referrals.programme import REFERRALS
from moat.kit.ids import uuid7

from .builders import at, merged, paid, refunded
from .house import House
from .milestone_plans import publish as publish_milestone
from .referral_club import START, bring, days_pass, some_customers
from .rulebook import put_in_force
from .task_plans import a_step, a_task
from .task_plans import publish as publish_task
from .tier_club import Club, a_plan

RANK = {"names": {"zh-CN": "级分", "en": "Rank"}, "units": {"zh-CN": "级分", "en": "rank points"}, "spendable": False}


@pytest.fixture(params=["growth", "rank"])
async def counted(house: House, request: pytest.FixtureRequest) -> str:
    """The account type that the tier plan counts."""
    over: str = request.param
    if over == "rank":
        club = Club(house)
        await club.shop.publish("rank", RANK, path="/v1/loyalty/account-types")
        await club.publish(a_plan(over="rank"))
    return over


def gift_of(account_type: str) -> dict[str, Any]:
    return {"kind": "points", "account_type": account_type, "points": 1_000}


async def tier_changes(house: House) -> list[str]:
    return [name for name, *_ in await house.said("tier.upgraded", "tier.downgraded")]


async def test_the_tier_follows_a_milestone_up_and_down(house: House, counted: str):
    trigger = {"kind": "nth_order", "n": 2}
    await publish_milestone(house, "second-order", trigger=trigger, once="ever", gift=gift_of(counted))
    li, second = uuid7(), uuid7()

    await house.learn_one_by_one(paid(li, 1_000, day=1), paid(li, 1_000, order=second, day=2))
    reached = await house.tier(li)
    await house.learn(refunded(li, second, 1_000, day=3))

    assert reached != ("member", at(1))
    assert await house.tier(li) == ("member", at(3))
    assert await tier_changes(house) == ["tier.upgraded", "tier.downgraded"]


async def test_the_tier_follows_a_task_up_and_down(house: House, counted: str):
    await publish_task(house, "two", a_task(a_step(times=2, within_days=30), reward=gift_of(counted)))
    li, second = uuid7(), uuid7()

    await house.learn_one_by_one(paid(li, 1_000, day=1), paid(li, 1_000, order=second, day=2))
    reached = (await house.tier(li))[0]
    await house.learn(refunded(li, second, 1_000, day=3))

    assert reached != "member"
    assert (await house.tier(li))[0] == "member"
    assert await tier_changes(house) == ["tier.upgraded", "tier.downgraded"]


async def test_the_tier_follows_a_referral_up_and_down(house: House, counted: str):
    terms = {
        "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
        "order_least_minor": {"CNY": 1_000},
        "referrer": {"account_type": counted, "points": 1_000},
        "friend": {"account_type": counted, "points": 1_000},
    }
    await put_in_force(house, "friends", terms, kind=REFERRALS, begins=None)
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    order = paid(wang, 10_000, day=START + 0.1)

    await house.learn(order)
    await days_pass(house, 16)
    rewarded = [(await house.tier(who))[0] for who in (li, wang)]
    await house.learn(refunded(wang, order.data.order_uid, 10_000, day=START + 10))

    assert "member" not in rewarded
    assert [(await house.tier(who))[0] for who in (li, wang)] == ["member", "member"]
    assert sorted(await tier_changes(house)) == ["tier.downgraded"] * 2 + ["tier.upgraded"] * 2


async def test_the_tier_follows_the_reward_of_who_turns_out_to_be_his_own_friend(house: House):
    terms = {
        "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
        "order_least_minor": {"CNY": 1_000},
        "referrer": {"account_type": "growth", "points": 1_000},
    }
    await put_in_force(house, "friends", terms, kind=REFERRALS, begins=None)
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, day=START + 0.1))
    await days_pass(house, 16)
    assert (await house.tier(li))[0] != "member"

    await house.learn(merged(wang, li, day=START + 20))

    assert (await house.tier(li))[0] == "member"
