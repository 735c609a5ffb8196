"""What a merge shows of referrals: rings, and friends who were known before; on PostgreSQL."""

from datetime import timedelta
from itertools import pairwise

import pytest

from moat.kit.ids import uuid7

from .builders import merged, paid
from .house import House
from .referral_club import START, available, bring, days_pass, known, rejections, some_customers


async def test_a_ring_that_a_merge_shows_rewards_nobody_for_the_one_who_closed_it(house: House):
    li, wang, zhao = await some_customers(house, 3)
    await bring(house, li, wang)
    house.clock.advance(timedelta(minutes=1))
    await bring(house, wang, zhao)

    await house.learn(merged(zhao, li, day=START + 1))
    await house.learn(paid(li, 10_000, day=START + 1), paid(wang, 10_000, day=START + 1))
    await days_pass(house, 20)

    assert await rejections(house) == [("ring", "claimed")]
    assert (await available(house, li), await available(house, wang)) == (100 + 100, 100 + 50)


async def test_a_ring_that_a_merge_shows_takes_back_what_was_given(house: House):
    people = await some_customers(house, 4)
    for referrer, friend in pairwise(people):
        await bring(house, referrer, friend)
        house.clock.advance(timedelta(minutes=1))
    await house.learn(*(paid(one, 10_000, day=START + 0.1) for one in people[1:]))
    await days_pass(house, 20)
    li, wang, zhao, friend = people
    assert [await available(house, one) for one in people] == [100, 250, 250, 150]

    merge = merged(friend, li, day=START + 21)
    await house.learn(merge)
    await house.learn(merge)

    assert await rejections(house) == [("ring", "rewarded")]
    assert [await available(house, one) for one in (li, wang, zhao)] == [100 + 100, 250, 150]
    assert (await house.audit()).violations == []


@pytest.mark.parametrize("into_the_older", [False, True])
async def test_a_friend_whom_a_merge_shows_to_be_known_rewards_nobody(house: House, into_the_older: bool):
    (li,) = await some_customers(house, 1)
    old, new = uuid7(), uuid7()
    await house.learn(known(old, day=START - 300), known(new))
    await bring(house, li, new)

    await house.learn(merged(new, old, day=START + 1) if into_the_older else merged(old, new, day=START + 1))
    await house.learn(paid(old, 10_000, day=START + 1))
    await days_pass(house, 20)

    assert await rejections(house) == [("known_before", "claimed")]
    assert await available(house, li) == 0


async def test_who_was_known_under_another_name_is_no_new_friend(house: House):
    (li,) = await some_customers(house, 1)
    old, new, young = uuid7(), uuid7(), uuid7()
    await house.learn(known(old, day=START - 300), known(new), known(young, day=START - 10))
    await house.learn(merged(old, new, day=START))

    assert (await bring(house, li, new))["reason"] == "known_before"
    assert (await bring(house, li, young))["reason"] is None


async def test_friends_of_a_short_while_stay_friends_when_they_turn_out_to_be_one(house: House):
    (li,) = await some_customers(house, 1)
    one, other = uuid7(), uuid7()
    await house.learn(known(one, day=START - 20), known(other))
    await bring(house, li, other)

    await house.learn(merged(one, other, day=START + 1), paid(other, 10_000, day=START + 1))
    await days_pass(house, 20)

    assert await available(house, li) == 100
