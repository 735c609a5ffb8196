"""What is on top of a held award waits with it, and a person decides of both at once."""

from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from moat.contracts.orders import Line
from moat.kit.ids import uuid7

from .builders import a_customer, again, merged, paid, parted, refunded
from .house import House
from .review_desk import AWARDS, call, one_with_a_held_award, waiting
from .rulebook import a_rule, at_most, put_in_force, times, where


@pytest.fixture
async def doubled(house: House) -> UUID:
    """A customer whose fourth order within an hour, of 100 yuan, is held, and with it what doubles it."""
    held = await one_with_a_held_award(house)
    await put_in_force(house, "double", a_rule(times("order-points", "2"), limits=[at_most(1_000)]))
    await house.learn(paid(held, 10_000, order=UUID(int=4), day=1.004))
    return held


async def given_by(house: House) -> dict[str, int]:
    """Points of the fourth order by rule, what was taken back of it under the empty name."""
    async with house.db.transaction() as tx:
        rows = await tx.all(
            """SELECT coalesce(p.rule, ''), sum(e.amount)::int FROM posting p JOIN entry e ON e.posting_id = p.id
               WHERE p.cause_id = :order AND e.account_type = 'points' GROUP BY 1""",
            order=UUID(int=4),
        )
    return {row[0]: row[1] for row in rows}


async def decide(house: House, code: str, what: str) -> httpx.Response:
    award = next(one for one in await waiting(house) if one["rule"] == f"{code}@{'1' if code == 'double' else '2'}")
    return await call(house, "POST", f"{AWARDS}/{award['id']}/{what}", {"reason": "looked at"})


async def test_what_is_on_top_of_a_held_award_is_given_with_it_under_its_own_rule(house: House, doubled: UUID):
    before = len(await house.said("points.earned"))

    answer = await decide(house, "order-points", "approve")

    assert (answer.json()["points"], answer.json()["status"]) == (100, "approved")
    assert await given_by(house) == {"order-points@2": 100, "double@1": 100}
    told = (await house.said("points.earned"))[before:]
    assert [(one["amount"], one["account_type"]) for _, _, one in told] == [(200, "points")]
    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT code, points, status, cut_by FROM award WHERE cause_id = :id", id=UUID(int=4))
        audited = await tx.scalar("SELECT count(*) FROM audit WHERE action = 'award.approved'")
    assert {tuple(row) for row in rows} == {
        ("order-points", 100, "approved", "customer/hour/awards"),
        ("double", 100, "approved", "base/order-points"),
    }
    assert audited == 2
    assert (await house.audit()).violations == []


async def test_what_is_on_top_of_an_award_that_is_turned_down_counts_no_more(house: House, doubled: UUID):
    await decide(house, "order-points", "turn-down")

    assert await given_by(house) == {}
    assert [one["rule"] for one in await waiting(house)] == ["order-points@2"]
    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT points, awards FROM earning_counter WHERE scope = 'rule:double'")
    assert [tuple(row) for row in rows] == [(0, 0)]


@pytest.mark.parametrize("what", ["approve", "turn-down"])
async def test_what_is_on_top_of_a_held_award_is_not_decided_alone(house: House, doubled: UUID, what: str):
    answer = await decide(house, "double", what)

    assert (answer.status_code, answer.json()["code"], answer.json()["base"]) == (
        409,
        "awards.decided-with-base",
        "order-points",
    )
    assert {one["rule"]: one["allowed_actions"] for one in await waiting(house)} == {
        "order-points@2": ["approve", "turn_down"],
        "double@1": [],
    }


@pytest.mark.parametrize("refunds_before", [0, 1, 2])
async def test_refunds_leave_the_same_of_an_award_and_what_is_on_top_of_it_whenever_it_is_approved(
    house: House, doubled: UUID, refunds_before: int
):
    back = [refunded(doubled, UUID(int=4), amount, refund=name, day=3) for name, amount in (("a", 3_333), ("b", 1_111))]
    await house.learn_one_by_one(*back[:refunds_before])
    await decide(house, "order-points", "approve")
    await house.learn_one_by_one(*back[refunds_before:])

    assert sum((await given_by(house)).values()) == 200 * 5_556 // 10_000
    await house.learn(refunded(doubled, UUID(int=4), 5_556, refund="c", day=4))
    assert sum((await given_by(house)).values()) == 0
    assert (await house.audit()).violations == []


async def test_what_is_held_together_goes_together_to_who_parts_again(house: House, doubled: UUID):
    wang = uuid7()
    merge = merged(doubled, wang)
    await house.learn(a_customer(wang), again(merge))
    await house.learn(parted(merge, *[UUID(int=n) for n in (1, 2, 3, 4)]))

    await decide(house, "order-points", "approve")

    assert [(await house.points(who))[0] for who in (doubled, wang)] == [400, 0]
    assert (await house.audit()).violations == []


async def test_lines_that_came_back_take_along_what_is_on_top_of_what_they_earned(house: House):
    """Two boxes of tea, 100 yuan each, and a cup: 400 points for the tea and as many on top; one box comes back."""
    order, lines = UUID(int=4), (a_line("tea", 20_000, 2), a_line("cup", 10_000))
    tea = {"kind": "per_line", "points": 2, "lines": where("category", "=", "tea")}
    await put_in_force(house, "tea", a_rule(tea, limits=[at_most(100, way="hold")]))
    await put_in_force(house, "double", a_rule(times("tea", "2")))
    li, back = uuid7(), a_line("tea", 10_000)
    bought, returned = paid(li, 30_000, order=order), refunded(li, order, 10_000)
    await house.learn(a_customer(li), replace(bought, data=bought.data.model_copy(update={"lines": lines})))
    await house.learn(replace(returned, data=returned.data.model_copy(update={"lines": (back,)})))

    award = next(one for one in await waiting(house) if one["rule"] == "tea@1")
    await call(house, "POST", f"{AWARDS}/{award['id']}/approve", {"reason": "looked at"})

    given = await given_by(house)
    assert {rule: given[rule] for rule in ("tea@1", "double@1")} == {"tea@1": 200, "double@1": 200}
    assert (await house.audit()).violations == []


def a_line(category: str, amount_minor: int, quantity: int = 1) -> Line:
    return Line(sku=f"{category}-1", category=category, quantity=quantity, amount_minor=amount_minor)
