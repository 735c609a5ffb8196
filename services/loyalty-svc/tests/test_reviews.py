"""Awards that come too fast wait for a person, who gives or turns them down."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.features import SERVICE
from loyalty_svc.reviews.wording import in_words
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import a_customer, again, at, merged, paid, parted, refunded
from .house import House
from .review_desk import AWARDS, call, one_with_a_held_award, waiting
from .rulebook import PER_UNIT, a_rule, at_most, put_in_force


@pytest.fixture
async def held(house: House) -> UUID:
    """A customer whose third order within an hour, of 100 yuan, is held."""
    return await one_with_a_held_award(house)


async def test_a_held_award_is_not_given_until_somebody_approves(house: House, held: UUID):
    assert (await house.points(held))[0] == 200
    award = (await waiting(house))[0]

    answer = await call(house, "POST", f"{AWARDS}/{award['id']}/approve", {"reason": "a wedding"})

    assert answer.json() | {"status": "approved", "points": 100, "reason": "a wedding"} == answer.json()
    assert await house.points(held) == (300, 300, 0)
    assert (await house.tier(held))[0] == "silver"
    assert await waiting(house) == []
    assert (await house.audit()).violations == []


async def test_an_award_is_decided_once(house: House, held: UUID):
    path = f"{AWARDS}/{(await waiting(house))[0]['id']}"
    await call(house, "POST", f"{path}/approve", {"reason": "fine"})

    again = [await call(house, "POST", f"{path}/{what}", {"reason": "no"}) for what in ("approve", "turn-down")]

    assert [(one.status_code, one.json()["code"]) for one in again] == [(409, "awards.not-held")] * 2
    assert (await house.points(held))[0] == 300


async def test_the_same_key_approves_once(house: House, held: UUID):
    path = f"{AWARDS}/{(await waiting(house))[0]['id']}/approve"

    answers = [await call(house, "POST", path, {"reason": "fine"}, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert (await house.points(held))[0] == 300


async def test_of_two_who_decide_at_once_one_does(house: House, held: UUID):
    path = f"{AWARDS}/{(await waiting(house))[0]['id']}"

    answers = await asyncio.gather(
        *[call(house, "POST", f"{path}/approve", {"reason": "fine"}) for _ in range(2)],
        call(house, "POST", f"{path}/turn-down", {"reason": "no"}),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    approved = any(answer.status_code == 200 for answer in answers[:2])
    assert (await house.points(held))[0] == (300 if approved else 200)
    assert (await house.audit()).violations == []


async def test_a_refund_while_somebody_approves_takes_its_share(house: House, held: UUID):
    path = f"{AWARDS}/{(await waiting(house))[0]['id']}/approve"

    await asyncio.gather(
        house.learn(refunded(held, UUID(int=3), 2_500)),
        call(house, "POST", path, {"reason": "fine"}),
        house.learn(refunded(held, UUID(int=3), 2_500, refund="r-2")),
    )

    assert (await house.points(held))[0] == 250
    assert (await house.audit()).violations == []


async def test_what_is_turned_down_leaves_room_for_others(house: House, held: UUID):
    award = (await waiting(house))[0]

    await call(house, "POST", f"{AWARDS}/{award['id']}/turn-down", {"reason": "resold tickets"})

    assert (await house.points(held))[0] == 200
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT sum(awards)::int FROM earning_counter") == 2


@pytest.mark.parametrize(
    ("given", "held", "turned_down", "then", "points"),
    [
        ([], [10], 10, 10.1, 3),
        ([9], [10], 10, 10.1, 3),
        ([9], [10], 10, 9.9, 0),
        ([], [10, 11], 11, 10.5, 0),
        ([], [10, 11], 11, 11.1, 3),
        ([11], [10], 10, 10.5, 0),
    ],
)
async def test_the_cooldown_runs_from_the_latest_award_that_was_not_turned_down(
    house: House, given: list[float], held: list[float], turned_down: float, then: float, points: int
):
    li, wang = uuid7(), uuid7()
    await put_in_force(house, "order-points", a_rule(PER_UNIT, limits=[at_most(4, way="hold")], cooldown_hours=24))
    await house.learn(*[paid(li, 300, day=day) for day in given], *[paid(li, 500, day=day) for day in held])
    await house.learn(a_customer(li), a_customer(wang), merged(li, wang))
    before = (await house.points(wang))[0]

    award = next(one for one in await waiting(house) if datetime.fromisoformat(one["at"]) == at(turned_down))
    await call(house, "POST", f"{AWARDS}/{award['id']}/turn-down", {"reason": "resold tickets"})
    await house.learn(paid(wang, 300, day=then))

    assert (await house.points(wang))[0] - before == points


async def test_what_is_turned_down_after_a_split_takes_nothing_off_that_was_not_counted(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    limits = [at_most(100, per="ever", way="hold"), at_most(150, per="ever")]
    await put_in_force(house, "order-points", a_rule(PER_UNIT, limits=limits))
    merge = merged(li, wang)
    await house.learn(a_customer(li), a_customer(wang), paid(li, 15_000, order=order), again(merge))
    await house.learn(parted(merge, order))

    await call(house, "POST", f"{AWARDS}/{(await waiting(house))[0]['id']}/turn-down", {"reason": "resold tickets"})

    async with house.db.transaction() as tx:
        rows = await tx.all("SELECT customer_id, points, awards FROM earning_counter")
    assert {tuple(row) for row in rows} == {(wang, 150, 1), (li, 0, 0)}
    await house.learn(paid(li, 20_000, day=70))
    assert (await house.points(li))[0] == 0
    assert [one["points"] for one in await waiting(house)] == [150]


@pytest.mark.parametrize("refund_first", [True, False])
async def test_refunds_take_their_share_whether_they_come_before_or_after_approval(
    house: House, held: UUID, refund_first: bool
):
    path = f"{AWARDS}/{(await waiting(house))[0]['id']}/approve"
    back = refunded(held, UUID(int=3), 2_500)
    if refund_first:
        await house.learn(back)
    await call(house, "POST", path, {"reason": "fine"})
    if not refund_first:
        await house.learn(back)

    assert (await house.points(held))[0] == 275
    await house.learn(refunded(held, UUID(int=3), 7_500, refund="r-2"))
    assert (await house.points(held))[0] == 200
    assert (await house.audit()).violations == []


async def test_what_was_held_goes_to_the_survivor_of_a_merge(house: House, held: UUID):
    wang = uuid7()
    award = (await waiting(house))[0]
    await house.learn(merged(held, wang))

    await call(house, "POST", f"{AWARDS}/{award['id']}/approve", {"reason": "fine"})

    assert (await house.points(wang))[0] == 300
    assert (await house.audit()).violations == []


async def test_the_limit_is_told_in_both_languages(house: House, held: UUID):
    path = f"/v1/customers/{held}/loyalty/awards"

    told = [(await call(house, "GET", path, **{"Accept-Language": one})).json()["items"][0] for one in ("en", "zh-CN")]

    assert [one["cut_by"] for one in told] == ["customer/hour/awards"] * 2
    assert [one["why"] for one in told] == [
        "The limit of the rule: awards an hour, for each customer",
        "此规则每位顾客每小时的次数上限",
    ]
    assert told[0]["allowed_actions"] == ["approve", "turn_down"]


@pytest.mark.parametrize(
    "name", ["budget", "cooldown", "base/order-points", "programme/everyone/ever/points", "customer/week/awards"]
)
def test_each_limit_has_words(name: str):
    assert in_words(name, "en") != in_words(name, "zh-CN")


async def test_awards_are_paged_newest_first(house: House, held: UUID):
    await house.learn(*[paid(held, 5_000, day=1.004) for _ in range(4)])

    first = (await call(house, "GET", f"{AWARDS}?limit=3")).json()
    rest = (await call(house, "GET", f"{AWARDS}?limit=3&cursor={first['next_cursor']}")).json()

    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"{AWARDS}/{UUID(int=1)}/approve", {"reason": "x"}, 404),
        ("POST", f"{AWARDS}/{UUID(int=1)}/turn-down", {"reason": "x"}, 404),
        ("POST", f"{AWARDS}/{UUID(int=1)}/approve", {"reason": " "}, 422),
        ("POST", f"{AWARDS}/{UUID(int=1)}/approve", {}, 422),
        ("GET", f"{AWARDS}?status=lost", None, 422),
        ("GET", f"/v1/customers/{UUID(int=9)}/loyalty/awards", None, 404),
    ],
)
async def test_what_is_not_there_is_refused(house: House, method: str, path: str, body: Any, status: int):
    assert (await call(house, method, path, body)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", AWARDS),
        ("POST", f"{AWARDS}/{UUID(int=1)}/approve"),
        ("POST", f"{AWARDS}/{UUID(int=1)}/turn-down"),
    ],
)
async def test_reviews_are_for_staff_with_the_scope(house: House, method: str, path: str):
    wrong = staff("loyalty:write" if method == "GET" else "loyalty:read")
    async with client_for(SERVICE, house.db, house.clock) as http:
        answers = [await http.request(method, path, headers=who) for who in (wrong, customer(uuid7()), {})]

    assert [answer.status_code for answer in answers] == [403, 403, 401]


async def test_a_customers_own_token_does_not_see_what_is_held(house: House, held: UUID):
    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.get(f"/v1/customers/{held}/loyalty/awards", headers=customer(held))

    assert answer.status_code == 403
