"""Codes, claims and rewards of referrals, on PostgreSQL."""

import asyncio
from datetime import timedelta
from itertools import permutations

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.timers.runner import fire

from .builders import at, merged, paid, refunded
from .house import House
from .referral_club import (
    KIND,
    START,
    available,
    bring,
    call,
    clerk,
    code_of,
    days_pass,
    rejections,
    some_customers,
    use,
)


async def test_both_are_rewarded_once_nothing_can_be_returned_any_more(house: House):
    li, wang = await some_customers(house)

    claimed = await bring(house, li, wang)
    house.clock.advance(timedelta(days=1))
    await house.learn(paid(wang, 10_000, day=START + 1))
    await days_pass(house, 14.9)
    held = (await available(house, li), await available(house, wang))
    await days_pass(house, 0.1)

    assert (claimed["status"], claimed["reason"]) == ("claimed", None)
    assert held == (0, 100)
    assert (await available(house, li), await available(house, wang)) == (100, 150)
    told = [(name, about) for name, about, _ in await house.said() if name.startswith("referral.")]
    assert told == [
        ("referral.created", li),
        ("referral.converted", li),
        ("referral.rewarded", li),
        ("referral.rewarded", wang),
    ]
    assert {data["role"]: data["points"] for _, _, data in await house.said("referral.rewarded")} == {
        "referrer": 100,
        "friend": 50,
    }
    assert (await house.audit()).violations == []


async def test_a_reward_says_rule_and_cause(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    order = paid(wang, 10_000, day=START)
    await house.learn(order)
    await days_pass(house, 15)

    answer = await call(house, "GET", f"/v1/customers/{li}/loyalty/postings", clerk(house))

    (posting,) = answer.json()["items"]
    assert (posting["reason"], posting["cause"]["rule"], posting["cause"]["event_id"]) == (
        "referral.rewarded",
        "friends@1",
        order.id,
    )


async def test_a_second_delivery_and_a_second_firing_change_nothing(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    order = paid(wang, 10_000, day=START)
    await house.learn(order)
    await days_pass(house, 20)

    await house.learn(order, paid(wang, 10_000, order=order.data.order_uid, day=START))
    await days_pass(house, 1)

    assert (await available(house, li), await available(house, wang)) == (100, 150)
    assert len(await house.said("referral.converted")) == 1


async def test_what_is_returned_in_time_rewards_nobody(house: House):
    li, wang = await some_customers(house)
    order = uuid7()
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, order=order, day=START))
    await house.learn(refunded(wang, order, 10_000, day=START))

    await days_pass(house, 31)

    assert (await available(house, li), await available(house, wang)) == (0, 0)
    assert await rejections(house) == [("returned", "converted"), ("returned", "claimed")]


async def test_a_return_that_becomes_known_late_takes_both_rewards_back(house: House):
    li, wang = await some_customers(house)
    order = uuid7()
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, order=order, day=START))
    await days_pass(house, 40)
    assert await available(house, li) == 100

    await house.learn(refunded(wang, order, 10_000, day=START + 10))

    assert (await available(house, li), await available(house, wang)) == (0, 0)
    assert await rejections(house) == [("returned", "rewarded")]
    assert (await house.audit()).violations == []


async def test_orders_and_refunds_in_any_order_of_arrival_end_in_the_same(house: House):
    ends = {}

    for places in permutations(range(4)):
        li, wang = await some_customers(house)
        first, second = uuid7(), uuid7()
        begin = house.clock.now()
        day = START + (begin - at(START)) / timedelta(days=1)
        await bring(house, li, wang)
        facts = [
            paid(wang, 10_000, order=first, day=day + 1),
            refunded(wang, first, 10_000, day=day + 2),
            paid(wang, 20_000, order=second, day=day + 3),
            paid(wang, 50, day=day + 4),
        ]
        house.clock.advance(timedelta(days=4))
        for place in places:
            await house.learn(facts[place])
            await days_pass(house, 7)
        await days_pass(house, 20)
        ends[places] = await available(house, li), await available(house, wang)

    assert ends == dict.fromkeys(ends, (100, 250))
    assert (await house.audit()).violations == []


async def test_a_friend_who_does_not_buy_in_time_is_given_up_and_an_order_that_comes_late_still_counts(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    await days_pass(house, 31)
    assert await rejections(house) == [("expired", "claimed")]

    await house.learn(paid(wang, 10_000, day=START + 20))
    await days_pass(house, 5)

    assert await available(house, li) == 100


async def test_merged_members_keep_their_codes_and_their_friends(house: House):
    li, wang, friend, other = await some_customers(house, 4)
    codes = [await code_of(house, li), await code_of(house, wang)]
    await use(house, friend, codes[0])

    await house.learn(merged(li, wang, day=START))
    await house.learn(paid(friend, 10_000, day=START))
    await days_pass(house, 15)

    assert await available(house, wang) == 100
    assert await code_of(house, wang) == codes[1]
    assert (await use(house, other, codes[0]))["referrer_id"] == str(wang)


async def test_two_replicas_of_the_timer_reward_once(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, day=START))
    house.clock.advance(timedelta(days=15))

    await asyncio.gather(*(fire(SERVICE, KIND, house.db, house.clock) for _ in range(4)))

    assert await available(house, li) == 100


async def test_a_member_sees_his_code_and_friends_without_their_ids(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    own, at_now = customer(li, at=house.clock.now()) | {"Accept-Language": "en"}, house.clock.now()

    code = await call(house, "GET", f"/v1/customers/{li}/loyalty/referral-code", own)
    friends = await call(house, "GET", f"/v1/customers/{li}/loyalty/referrals", own)
    by_staff = await call(house, "GET", "/v1/loyalty/referrals?status=claimed", clerk(house))

    assert code.json()["programme"]["name"] == "Bring a friend"
    assert code.json()["programme"]["referrer"] == {"account_type": "points", "points": 100}
    assert [(one["status"], one["friend_id"]) for one in friends.json()["items"]] == [("claimed", None)]
    assert [one["friend_id"] for one in by_staff.json()["items"]] == [str(wang)]
    for path in (f"/v1/customers/{li}/loyalty/referral-code", f"/v1/customers/{li}/loyalty/referrals"):
        assert (await call(house, "GET", path, customer(wang, at=at_now))).status_code == 404
        assert (await call(house, "GET", path, {})).status_code == 401
        assert (await call(house, "GET", path, staff("tickets:read", at=at_now))).status_code == 403
    assert (await call(house, "GET", "/v1/loyalty/referrals", own)).status_code == 403


async def test_a_programme_whose_reward_does_not_exist_is_not_published(house: House):
    path = "/v1/loyalty/referral-programmes"
    terms = {
        "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
        "order_least_minor": {"CNY": 100},
        "referrer": {"account_type": "pionts", "points": 100},
    }
    draft = await call(house, "POST", path, clerk(house), json={"code": "friends", "document": terms})
    headers = clerk(house) | {"If-Match": draft.headers["ETag"]}

    refused = await call(house, "POST", f"{path}/friends/publish", headers, json={})
    another = await call(house, "POST", path, clerk(house), json={"code": "others", "document": terms})

    assert (draft.status_code, refused.status_code, another.status_code) == (201, 422, 422)
    assert refused.json()["errors"][0]["pointer"] == "/referrer/account_type"
    assert "points" in refused.json()["errors"][0]["detail"]
