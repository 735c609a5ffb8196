"""Checkouts under many hands at once, on real connections: both parts or neither, and never more than there is."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from .coupon_shop import amount_off
from .house import House
from .till import Till


@pytest.fixture
def till(house: House) -> Till:
    return Till(house)


async def test_tills_that_want_the_same_points_get_what_there_is(till: Till):
    li = await till.member(points=1_000)

    answers = await asyncio.gather(*[till.reserve(li, points=300) for _ in range(8)])

    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 5}
    assert await till.bank.holds_of(li) == (100, 0, 900)
    assert not await till.bank.violations()


async def test_a_code_for_one_goes_to_one_and_the_others_keep_their_points(till: Till):
    await till.shop.public_code("ONLY1", amount_off())
    members = [await till.member(points=500) for _ in range(8)]

    answers = await asyncio.gather(*[till.reserve(who, "only1", points=500) for who in members])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    balances = [await till.bank.holds_of(who) for who in members]
    assert Counter(balances) == {(500, 0, 0): 7, (0, 0, 500): 1}


async def test_confirming_and_cancelling_at_once_are_one_of_both_for_both_parts(till: Till):
    await till.shop.public_code("TEN", amount_off(limits={"per_code": None}))
    li = await till.member(points=600)
    checkouts = [await till.reserved(li, "ten", points=100) for _ in range(6)]

    answers = await asyncio.gather(
        *[till.act(checkout, action) for checkout in checkouts for action in ("confirm", "cancel")]
    )

    confirmed = sum(answer.status_code == 200 and answer.json()["status"] == "confirmed" for answer in answers)
    ended = [(await till.see(checkout))["status"] for checkout in checkouts]
    assert ended.count("confirmed") == confirmed
    assert ended.count("cancelled") == 6 - confirmed
    assert (await till.uses()).count("redeemed") == (await till.hold_states()).count("confirmed") == confirmed
    assert await till.bank.holds_of(li) == (600 - 100 * confirmed, 0, 0)


async def test_confirming_while_time_runs_out_ends_both_parts_alike(till: Till):
    await till.shop.public_code("TEN", amount_off(limits={"per_code": None}))
    li = await till.member(points=600)
    checkouts = [await till.reserved(li, "ten", points=100, minutes=1) for _ in range(6)]
    till.house.clock.advance(timedelta(seconds=59))

    async def time_passes() -> None:
        till.house.clock.advance(timedelta(seconds=1))
        await till.time_passes()

    answers = await asyncio.gather(*[till.act(checkout, "confirm") for checkout in checkouts], time_passes())
    await till.time_passes()

    confirmed = sum(answer.status_code == 200 for answer in answers[:-1])
    assert Counter(await till.uses()) == Counter({"redeemed": confirmed, "timed_out": 6 - confirmed})
    assert Counter(await till.hold_states()) == Counter({"confirmed": confirmed, "timed_out": 6 - confirmed})
    assert await till.bank.holds_of(li) == (600 - 100 * confirmed, 0, 0)
    assert not await till.bank.violations()


async def test_the_same_key_puts_aside_once_and_confirms_once(till: Till):
    await till.shop.public_code("TEN", amount_off(limits={"per_code": None}))
    li = await till.member(points=1_000)

    answers = await asyncio.gather(*[till.reserve(li, "ten", points=300, key="k") for _ in range(6)])
    ids = {answer.json()["id"] for answer in answers}
    confirmed = await asyncio.gather(
        *[
            till.shop.ask("POST", f"/v1/loyalty/checkouts/{next(iter(ids))}/confirm", {}, **{"Idempotency-Key": "c"})
            for _ in range(6)
        ]
    )

    assert len(ids) == 1
    assert {answer.status_code for answer in confirmed} == {200}
    assert await till.bank.holds_of(li) == (700, 0, 0)
    assert await till.uses() == ["redeemed"]
