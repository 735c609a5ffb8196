"""Points that step aside: what is confirmed is spent, all else comes back, and nothing is spent twice."""

import asyncio

import pytest

from loyalty_svc.holds.problems import HoldClosed, MoreThanHeld
from loyalty_svc.ledger.problems import InsufficientPoints
from moat.kit.ids import uuid7

from .bank import Bank
from .builders import a_customer, merged, paid, refunded
from .house import House


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def test_held_points_are_neither_available_nor_spent(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)

    await bank.hold(li, 30)

    assert await bank.holds_of(li) == (70, 0, 30)
    assert await bank.lots_of(li) == [100]
    assert await bank.violations() == []


async def test_points_whose_instant_is_ahead_of_our_clock_are_as_good_as_others(bank: Bank):
    li = uuid7()
    await bank.give(li, 100, ago=-0.001)

    await bank.spend(li, 40)

    assert await bank.holds_of(li) == (60, 0, 0)
    assert await bank.lots_of(li) == [60]
    assert await bank.violations() == []


async def test_part_of_a_hold_is_confirmed_and_the_rest_comes_back(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)
    held = await bank.hold(li, 30)

    confirmed = await bank.confirm(held, 20)

    assert (confirmed.status, confirmed.confirmed) == ("confirmed", 20)
    assert await bank.holds_of(li) == (80, 0, 0)
    assert await bank.lots_of(li) == [80]
    (spent,) = await bank.house.said("points.spent")
    assert (spent[2]["amount"], spent[2]["balance_after"], spent[2]["reason"]) == (20, 80, "test")
    assert await bank.violations() == []


async def test_a_hold_ends_once(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)
    confirmed, released = await bank.hold(li, 30), await bank.hold(li, 30)
    with pytest.raises(MoreThanHeld):
        await bank.confirm(confirmed, 31)
    await bank.confirm(confirmed)
    await bank.release(released)

    for held in (confirmed, released):
        with pytest.raises(HoldClosed):
            await bank.confirm(held)
    with pytest.raises(HoldClosed):
        await bank.release(confirmed)
    assert (await bank.release(released)).status == "released"
    assert await bank.holds_of(li) == (70, 0, 0)


async def test_a_hold_that_nobody_confirms_times_out_and_cannot_be_confirmed_any_more(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)
    held = await bank.hold(li, 30, minutes=15)
    bank.house.clock.advance(held.until - bank.now)
    with pytest.raises(HoldClosed):
        await bank.confirm(held)

    await bank.ring()

    assert await bank.holds_of(li) == (100, 0, 0)
    assert (await bank.release(held)).status == "timed_out"
    assert await bank.violations() == []


async def test_fifty_redemptions_of_thirty_out_of_a_hundred_at_once_make_exactly_three(bank: Bank):
    li, wang = uuid7(), uuid7()
    await bank.give(li, 100)
    await bank.give(wang, 100)

    spent = await asyncio.gather(*[bank.spend(li, 30) for _ in range(50)], return_exceptions=True)
    held = await asyncio.gather(*[bank.hold(wang, 30) for _ in range(50)], return_exceptions=True)

    for outcome in (spent, held):
        refused = [one for one in outcome if isinstance(one, BaseException)]
        assert len(outcome) - len(refused) == 3
        assert {type(one) for one in refused} == {InsufficientPoints}
        assert {one.facts["available"] for one in refused} == {10}
    assert await bank.holds_of(li) == (10, 0, 0)
    assert await bank.holds_of(wang) == (10, 0, 90)
    assert await bank.violations() == []


async def test_one_hold_confirmed_by_twenty_at_once_is_spent_once(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)
    held = await bank.hold(li, 30)

    outcome = await asyncio.gather(*[bank.confirm(held) for _ in range(20)], return_exceptions=True)

    assert sum(isinstance(one, HoldClosed) for one in outcome) == 19
    assert await bank.holds_of(li) == (70, 0, 0)


async def test_holds_move_with_their_customer(bank: Bank):
    li, wang = uuid7(), uuid7()
    await bank.house.learn(a_customer(li), a_customer(wang), paid(li, 10_000), paid(wang, 5_000))
    held = await bank.hold(li, 60)

    await bank.house.learn(merged(li, wang))

    assert await bank.holds_of(wang) == (90, 0, 60)
    assert await bank.violations() == []
    await bank.confirm(held)
    assert await bank.holds_of(wang) == (90, 0, 0)
    assert await bank.violations() == []


async def test_points_that_are_taken_back_while_they_are_held_become_a_debt(bank: Bank):
    li, order = uuid7(), uuid7()
    await bank.house.learn(paid(li, 10_000, order=order))
    held = await bank.hold(li, 80)

    await bank.house.learn(refunded(li, order, 10_000))
    assert await bank.holds_of(li) == (-80, 0, 80)
    assert await bank.violations() == []
    await bank.confirm(held)
    await bank.house.learn(paid(li, 10_000))

    assert await bank.holds_of(li) == (20, 0, 0)
    assert await bank.lots_of(li) == [20]
    assert await bank.violations() == []
