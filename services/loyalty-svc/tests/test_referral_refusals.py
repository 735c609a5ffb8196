"""Who is refused his referral, and why, on PostgreSQL."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer

from .builders import merged, paid
from .house import House
from .referral_club import (
    START,
    available,
    bring,
    call,
    clerk,
    code_of,
    days_pass,
    known,
    proposed,
    rejections,
    some_customers,
    use,
)


async def test_nobody_brings_himself(house: House):
    (li,) = await some_customers(house, 1)

    refused = await bring(house, li, li)

    assert (refused["status"], refused["reason"], refused["reason_text"]) == (
        "rejected",
        "self",
        "One's own code cannot be used.",
    )
    assert await rejections(house) == [("self", "refused")]


async def test_nobody_brings_himself_under_another_identifier(house: House):
    li, wang, zhao = await some_customers(house, 3)
    await house.learn(proposed(li, wang))
    await bring(house, li, zhao)
    await house.learn(paid(zhao, 10_000, day=START))

    refused = await bring(house, li, wang)
    await house.learn(proposed(zhao, li))
    await days_pass(house, 40)

    assert refused["reason"] == "same_person"
    assert await rejections(house) == [("same_person", "refused"), ("same_person", "converted")]
    assert await available(house, li) == 0


async def test_who_turns_out_to_be_his_own_friend_gives_the_reward_back(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, day=START))
    await days_pass(house, 15)

    await house.learn(merged(wang, li, day=START + 20))

    assert await available(house, li) == 100
    assert await rejections(house) == [("self", "rewarded")]
    assert (await house.audit()).violations == []


async def test_rings_are_refused_however_long(house: House):
    people = await some_customers(house, 5)
    for referrer, friend in pairwise(people):
        assert (await bring(house, referrer, friend))["status"] == "claimed"

    assert (await bring(house, people[-1], people[0]))["reason"] == "ring"
    assert (await bring(house, people[1], people[0]))["reason"] == "ring"


async def test_a_ring_of_more_than_a_hundred_is_refused(house: House):
    people = await some_customers(house, 103)
    for referrer, friend in pairwise(people):
        assert (await bring(house, referrer, friend))["status"] == "claimed"

    assert (await bring(house, people[-1], people[0]))["reason"] == "ring"


async def test_of_two_who_bring_each_other_at_the_same_moment_one_is_refused(house: House):
    for _ in range(5):
        li, wang = await some_customers(house)
        codes = [await code_of(house, li), await code_of(house, wang)]

        answers = await asyncio.gather(use(house, wang, codes[0]), use(house, li, codes[1]))

        assert sorted(one["status"] for one in answers) == ["claimed", "rejected"]


async def test_a_friend_is_brought_once_however_many_try_at_once(house: House):
    *members, friend = await some_customers(house, 6)
    codes = [await code_of(house, one) for one in members]

    answers = await asyncio.gather(*(use(house, friend, code) for code in codes))

    assert (
        sorted((one["status"], one["reason"]) for one in answers if one["reason"])
        == [("rejected", "already_referred")] * 4
    )
    assert len([one for one in answers if one["status"] == "claimed"]) == 1


async def test_customers_who_were_known_before_are_no_new_friends(house: House):
    li, buyer, old = uuid7(), uuid7(), uuid7()
    await house.learn(known(li), known(buyer), known(old, day=START - 31), paid(buyer, 10_000, day=START - 1))

    assert (await bring(house, li, buyer))["reason"] == "known_before"
    assert (await bring(house, li, old))["reason"] == "known_before"


async def test_an_order_from_before_the_claim_that_comes_late_undoes_it(house: House):
    li, wang = await some_customers(house)
    await bring(house, li, wang)

    await house.learn(paid(wang, 10_000, day=START - 3))

    assert await rejections(house) == [("known_before", "claimed")]


async def test_too_many_friends_in_a_short_time_are_refused(house: House):
    li, *friends = await some_customers(house, 22)
    code = await code_of(house, li)

    answers = [await use(house, friend, code) for friend in friends]

    assert [one["status"] for one in answers] == ["claimed"] * 20 + ["rejected"]
    assert answers[-1]["reason"] == "velocity"


async def test_the_same_claim_again_gets_the_same_answer(house: House):
    li, wang = await some_customers(house)

    first, again = await bring(house, li, wang), await bring(house, li, wang)
    refused, once_more = await bring(house, li, li), await bring(house, li, li)

    assert first["id"] == again["id"]
    assert refused["id"] == once_more["id"]
    assert len(await house.said("referral.created", "referral.rejected")) == 2


async def test_codes_work_in_any_case_and_wrong_ones_are_limited(house: House):
    li, wang, zhao = await some_customers(house, 3)
    code = await code_of(house, li)
    typed = " " + code.lower().replace("-", " ") + " "
    assert (await use(house, wang, typed))["status"] == "claimed"

    path = f"/v1/customers/{zhao}/loyalty/referrals"
    headers = customer(zhao, at=house.clock.now())
    wrong = [(await call(house, "POST", path, headers, json={"code": "NOPE2222"})).status_code for _ in range(21)]

    assert wrong == [404] * 20 + [429]


async def test_friends_who_turn_out_to_be_one_count_for_whoever_was_first(house: House):
    li, zhao, one, two = await some_customers(house, 4)
    await bring(house, li, one)
    house.clock.advance(timedelta(hours=1))
    await bring(house, zhao, two)
    house.clock.advance(timedelta(hours=1))
    await house.learn(paid(one, 10_000, day=START + 0.05), paid(two, 10_000, day=START + 0.05))

    await house.learn(merged(one, two, day=START + 0.06))
    await days_pass(house, 16)

    assert (await available(house, li), await available(house, zhao)) == (100, 0)
    assert ("already_referred", "converted") in await rejections(house)
    assert (await house.audit()).violations == []


async def test_without_a_programme_nobody_brings_anybody_and_what_began_goes_on(house: House):
    li, wang, zhao = await some_customers(house, 3)
    code = await code_of(house, li)
    await use(house, wang, code)
    path = "/v1/loyalty/referral-programmes/friends"
    etag = (await call(house, "GET", path, clerk(house))).headers["ETag"]
    await call(house, "POST", f"{path}/retire", clerk(house) | {"If-Match": etag}, json={})
    house.clock.advance(timedelta(minutes=1))

    closed = await call(house, "POST", f"/v1/customers/{zhao}/loyalty/referrals", clerk(house), json={"code": code})
    await house.learn(paid(wang, 10_000, day=START))
    await days_pass(house, 15)

    assert (closed.status_code, closed.json()["code"]) == (409, "referrals.closed")
    assert await available(house, li) == 100


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": "x" * 101}, {"code": "A", "friend": 1}, {"code": 7}])
async def test_a_malformed_claim_names_its_field(house: House, body: dict[str, Any]):
    (li,) = await some_customers(house, 1)

    answer = await call(house, "POST", f"/v1/customers/{li}/loyalty/referrals", clerk(house), json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"]
