"""Orders and refunds in every order of arrival, on real PostgreSQL."""

from itertools import permutations
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.earning import booking
from moat.kit.ids import uuid7

from .builders import paid, refunded
from .house import House
from .rulebook import PER_UNIT, a_rule, put_in_force

STAMPS = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}
REFUND_IDS = st.text("+ -ar1", min_size=1, max_size=8)
CREDITS = st.none() | st.lists(st.sampled_from(["a", "r", "r-1"]), min_size=1, max_size=3, unique=True).map(tuple)


def part_before(refund_id: str, credits: tuple[str, ...] | None) -> str:
    """What a refund was stored under before its part was unambiguous."""
    return refund_id if credits is None else f"{refund_id} {'+'.join(credits)}"


async def test_a_partial_refund_takes_its_share_back(house: House):
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 60_000, order=order, day=1))
    await house.learn(refunded(li, order, 20_000, day=2))

    assert await house.points(li) == (400, 600, 200)
    assert (await house.tier(li))[0] == "silver"
    assert [type_ for type_, _, _ in await house.said()][-2:] == ["points.reversed", "tier.downgraded"]


async def test_a_full_refund_leaves_zero(house: House):
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 2933, order=order), refunded(li, order, 1000), refunded(li, order, 1933, refund="r-2"))

    assert await house.points(li) == (0, 29, 29)
    assert (await house.audit()).violations == []


async def test_a_refund_of_an_unknown_order_is_kept_and_takes_effect_when_the_order_comes(house: House):
    li, order = uuid7(), uuid7()

    await house.learn(refunded(li, order, 1000, day=1))
    assert await house.points(li) == (0, 0, 0)
    await house.learn(paid(li, 2000, order=order, day=2))

    assert await house.points(li) == (10, 20, 10)
    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT kind, reason FROM posting ORDER BY id")
    assert [tuple(row) for row in rows] == [("earned", "order.paid"), ("reversed", "order.refunded")]


async def test_a_refund_goes_to_the_order_s_customer_whoever_it_names(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()

    await house.learn(refunded(wang, order, 2000), paid(li, 2000, order=order))

    assert await house.points(li) == (0, 20, 20)
    assert await house.points(wang) == (0, 0, 0)


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_the_same_facts_in_any_order_end_in_the_same_state(house: House, in_one_batch: bool):
    orders = 6 if in_one_batch else 3
    facts_of = {}
    for number, _ in enumerate(permutations(range(4))):
        li, order = uuid7(), uuid7()
        facts_of[li] = [
            paid(li, 70_000, order=order, day=10),
            refunded(li, order, 30_000, day=11),
            refunded(li, order, 25_000, refund="r-2", day=20),
            paid(li, 12_000, order=uuid5(order, "second"), day=number % orders),
        ]
    arrivals = [
        [facts[place] for place in places]
        for facts, places in zip(facts_of.values(), permutations(range(4)), strict=True)
    ]

    if in_one_batch:
        await house.learn(*[event for arrival in arrivals for event in arrival])
    else:
        for step in zip(*arrivals, strict=True):
            await house.learn(*step)

    audit = await house.audit()
    assert audit.violations == []
    for li in facts_of:
        kept = 700 * 15_000 // 70_000
        assert await house.points(li) == (kept + 120, 820, 700 - kept)
    ends = {(await house.tier(li))[0] for li in facts_of}
    assert ends == {"silver"}


async def test_since_is_when_growth_entered_the_tier_in_the_world_not_when_we_learned_of_it(house: House):
    ends = set()
    for places in permutations(range(4)):
        li, order = uuid7(), uuid7()
        facts = [
            paid(li, 15_000, day=1),
            paid(li, 30_000, order=order, day=2),
            paid(li, 8_000, day=3),
            refunded(li, order, 30_000, day=4),
        ]
        await house.learn_one_by_one(*[facts[place] for place in places])
        ends.add(await house.tier(li))

    assert {code for code, _ in ends} == {"silver"}
    assert len(ends) == 1


@pytest.mark.parametrize("stored_before", [True, False])
async def test_a_refund_named_like_another_and_an_account_type_takes_back_its_own(
    house: House, monkeypatch: pytest.MonkeyPatch, stored_before: bool
):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "stamps", STAMPS, kind=ACCOUNT_TYPES)
    await put_in_force(house, "stamp-rule", a_rule(PER_UNIT, credits=["stamps"]))
    first, second = refunded(li, order, 1_000), refunded(li, order, 1_000, refund="r-1 stamps")
    await house.learn(paid(li, 10_000, order=order))
    if stored_before:
        monkeypatch.setattr(booking, "part_of", part_before)
    await house.learn(first)
    monkeypatch.undo()

    await house.learn(second, first, second)

    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT type, reversed_total FROM account WHERE customer_id = :id ORDER BY 1", id=li)
    assert [tuple(row) for row in rows] == [("growth", 20), ("points", 20), ("stamps", 20)]
    assert (await house.audit()).violations == []


@given(REFUND_IDS, CREDITS, REFUND_IDS, CREDITS)
def test_no_two_refunds_are_booked_under_one_name(one: str, credits: object, other: str, others: object):
    assert (booking.part_of(one, credits) == booking.part_of(other, others)) == ((one, credits) == (other, others))


@given(REFUND_IDS, REFUND_IDS.filter(lambda id_: not id_.startswith("+")), CREDITS)
def test_no_refund_is_booked_under_the_name_that_another_was_stored_under_before(
    one: str, other: str, credits: tuple[str, ...] | None
):
    assert one == other or booking.part_of(one, None) != part_before(other, credits)
    assert booking.part_of(one, ("a",)) != part_before(other, credits)
