"""Points that live on activity: awards keep each other alive, whatever came first and whenever the sweep ran."""

from datetime import timedelta
from itertools import permutations, product
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.accounts.types import ACCOUNT_TYPES, RollingExpiry
from moat.kit.ids import uuid7

from .bank import Bank
from .builders import a_customer, at, merged, paid, refunded
from .house import House
from .rulebook import PER_UNIT, a_rule, fixed, put_in_force

TODAY = 100
STAMPS: dict[str, Any] = {
    "names": {"zh-CN": "印花", "en": "Stamps"},
    "units": {"zh-CN": "枚", "en": "stamps"},
    "spendable": True,
}


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def stamps_live(house: House, days: int, **rule: Any) -> None:
    """Each yuan gives a stamp; stamps expire after so many days without an order."""
    await put_in_force(house, "stamps", STAMPS | {"expiry": {"kind": "inactivity", "days": days}}, kind=ACCOUNT_TYPES)
    await put_in_force(house, "stamp-rule", a_rule(PER_UNIT, credits=["stamps"], **rule))


def alive(awards: list[int], days: int) -> int:
    """What is left of ten stamps on each of these days, by hand: follow the orders until one comes too late."""
    left = 0
    for award in awards:
        last = award
        for later in sorted(awards):
            if last < later <= last + days:
                last = later
        left += 10 if last + days > TODAY else 0
    return left


async def ends(house: House, who: UUID) -> list[Any]:
    """When the stamps expire, award by award."""
    async with house.db.transaction() as tx:
        rows = await tx.all(
            "SELECT expires_at FROM lot WHERE customer_id = :id AND account_type = 'stamps' ORDER BY earned_at", id=who
        )
    return [row[0] for row in rows]


@pytest.mark.parametrize("days", [(10, 35, 60, 85), (10, 45, 60, 85), (20, 50, 80), (10, 85), (10, 10, 72)])
async def test_what_is_left_does_not_depend_on_the_order_of_arrival_nor_on_batches(bank: Bank, days: tuple[int, ...]):
    await stamps_live(bank.house, 30)

    for arrival, together in product(sorted(set(permutations(days))), (False, True)):
        li = uuid7()
        orders = [paid(li, 1_000, day=day) for day in arrival]
        await (bank.house.learn if together else bank.house.learn_one_by_one)(a_customer(li), *orders)

        assert await bank.holds_of(li, "stamps") == (alive([*days], 30), 0, 0), (arrival, together)
    assert await bank.violations() == []


async def test_points_that_came_to_life_again_are_told_of_and_expire_when_their_time_comes(bank: Bank):
    li = uuid7()
    await stamps_live(bank.house, 30)
    await bank.house.learn_one_by_one(a_customer(li), *[paid(li, 1_000, day=day) for day in (60, 95, 85)])

    told = await bank.house.said("points.expired", "points.adjusted")
    async with bank.house.db.transaction() as tx:
        when = await tx.all("SELECT at FROM posting WHERE kind = 'expired' AND customer_id = :id", id=li)
    before = await bank.holds_of(li, "stamps")
    bank.house.clock.advance(timedelta(days=25))
    await bank.sweep()

    assert [(data["amount"], data["balance_after"], data["reason"]) for _, _, data in told] == [
        (10, 0, "points.expired"),
        (10, 30, "points.revived"),
    ]
    assert {row[0] for row in when} == {at(90)}
    assert (before, await bank.holds_of(li, "stamps")) == ((30, 0, 0), (0, 0, 0))
    assert await bank.violations() == []


async def test_what_comes_to_life_again_pays_a_debt(bank: Bank):
    li = uuid7()
    await stamps_live(bank.house, 30)
    await bank.house.learn_one_by_one(a_customer(li), paid(li, 1_000, day=60))
    cause = await bank.give(li, 20, type="stamps")
    await bank.spend(li, 15, "stamps")
    await bank.take_back(cause)
    owed = await bank.holds_of(li, "stamps")

    await bank.house.learn(paid(li, 100, day=80))

    assert (owed, await bank.holds_of(li, "stamps")) == ((-15, 0, 0), (-4, 0, 0))
    assert await bank.violations() == []


@pytest.mark.parametrize("is_swept", [True, False])
async def test_an_award_that_comes_too_late_keeps_nothing_alive_whether_the_sweep_was_in_time(
    bank: Bank, is_swept: bool
):
    li = uuid7()
    await stamps_live(bank.house, 30)
    await bank.give(li, 10, type="stamps", ago=29.99)
    bank.house.clock.advance(timedelta(minutes=40))
    if is_swept:
        await bank.sweep()

    await bank.give(li, 1, type="stamps")
    await bank.sweep()

    assert await bank.holds_of(li, "stamps") == (1, 0, 0)


@pytest.mark.parametrize("together", [True, False])
async def test_a_refund_keeps_nothing_alive(house: House, together: bool):
    li, order = uuid7(), uuid7()
    await stamps_live(house, 365)
    facts = [a_customer(li), paid(li, 10_000, order=order, day=10), refunded(li, order, 1_000, day=60)]

    await (house.learn if together else house.learn_one_by_one)(*facts)

    assert await ends(house, li) == [at(375)]


async def test_two_who_turn_out_to_be_one_have_kept_each_other_s_points_alive(bank: Bank):
    li, wang, both = uuid7(), uuid7(), uuid7()
    await stamps_live(bank.house, 30)
    await bank.house.learn(a_customer(li), a_customer(wang), a_customer(both))
    days = ((li, 10), (wang, 35), (li, 60), (wang, 85))
    await bank.house.learn_one_by_one(*[paid(who, 1_000, day=day) for who, day in days])

    await bank.house.learn(merged(li, wang, day=99))
    await bank.house.learn_one_by_one(*[paid(both, 1_000, day=day) for _, day in days])

    assert await bank.holds_of(wang, "stamps") == await bank.holds_of(both, "stamps") == (40, 0, 0)
    assert await bank.violations() == []


async def test_an_expiry_of_a_rule_s_own_stands_and_its_award_keeps_others_alive(house: House):
    li = uuid7()
    await stamps_live(house, 20)
    own = {"kind": "rolling", "days": 100}
    await put_in_force(house, "five-more", a_rule(fixed(5), credits=["stamps"], expires=own))

    # Half a yuan gives five stamps by the second rule alone.
    await house.learn_one_by_one(a_customer(li), paid(li, 1_000, day=70), paid(li, 50, day=85))

    assert sorted(await ends(house, li)) == [at(85 + 20), at(70 + 100), at(85 + 100)]


async def test_points_of_an_earlier_version_keep_their_instant(bank: Bank):
    li = uuid7()
    rolling = STAMPS | {"expiry": {"kind": "rolling", "days": 50}}
    await put_in_force(bank.house, "stamps", rolling, kind=ACCOUNT_TYPES)
    await bank.give(li, 10, type="stamps", ago=20)
    await bank.give(li, 1, type="stamps", ago=20, expires=RollingExpiry(days=60))
    living = STAMPS | {"expiry": {"kind": "inactivity", "days": 90}}
    await put_in_force(bank.house, "stamps", living, kind=ACCOUNT_TYPES, begins=at(95))

    await bank.give(li, 5, type="stamps", ago=4)
    await bank.give(li, 5, type="stamps")

    found = await ends(bank.house, li)
    assert [round((end - at(TODAY)).total_seconds() / 86_400) for end in sorted(found)] == [30, 40, 90, 90]
