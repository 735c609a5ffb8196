"""Surprises: who wins what, what they may cost, how seldom one has them, and that nobody knows before."""

from datetime import timedelta

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer
from moat.kit.testing.web import client_for

from .builders import merged, paid
from .coupon_shop import amount_off
from .hall_of_honour import Hall, where
from .house import House
from .lottery import PATH, Lottery, a_surprise


@pytest.fixture
def lottery(house: House) -> Lottery:
    return Lottery(house)


async def test_only_those_who_fit_the_condition_may_win(lottery: Lottery):
    li, wang, star = await lottery.members(3)
    await Hall(lottery.house).given(star)
    await lottery.house.learn(paid(li, 10_000))
    either = {"combinator": "or", "rules": [where("growth", ">=", 100), where("honours", "contains", "star-customer")]}
    await lottery.publish("tea", a_surprise(condition=either, winners=10))

    draw = await lottery.draw("tea")

    assert set(await lottery.winners("tea", draw["id"])) == {li, star}
    assert (draw["customers"], draw["eligible"], draw["given"], draw["ended_by"]) == (3, 2, 2, "eligible")
    assert await lottery.won(wang) == []


async def test_a_winner_sees_his_gift_and_the_world_is_told(lottery: Lottery):
    (li,) = await lottery.members(1)
    await lottery.shop.publish("twenty", amount_off(2_000))
    gift = {"points": {"points": 50}, "coupon": "twenty"}
    await lottery.publish("tea", a_surprise(gift=gift))

    draw = await lottery.draw("tea")

    async with client_for(SERVICE, lottery.house.db, lottery.house.clock) as http:
        headers = customer(li) | {"Accept-Language": "zh-CN"}
        (won,) = (await http.get(f"/v1/customers/{li}/loyalty/surprises", headers=headers)).json()["items"]
        coupons = (await http.get(f"/v1/customers/{li}/loyalty/coupons", headers=headers)).json()["items"]
    assert (won["surprise"], won["name"], won["points"], won["coupon"]) == ("tea", "小惊喜", 50, "twenty")
    assert [one["coupon"] for one in coupons] == ["twenty"]
    assert await lottery.points(li) == 50
    ((_, about, told),) = await lottery.house.said("surprise.given")
    assert about == li
    assert (told["surprise"], told["rule"], told["draw_id"]) == ("tea", "tea@1", draw["id"])
    ((_, _, earned),) = await lottery.house.said("points.earned")
    assert (told["posting_id"], told["points"], told["coupon"]) == (earned["posting_id"], 50, "twenty")


async def test_nothing_is_visible_to_members_before_they_win(lottery: Lottery):
    li, wang = await lottery.members(2)
    await lottery.publish("tea", a_surprise(winners=1))
    draw = await lottery.waiting("tea")
    paths = [PATH, f"{PATH}/tea", f"{PATH}/tea/versions", f"{PATH}/tea/draws", f"{PATH}/tea/draws/{draw['id']}"]

    async with client_for(SERVICE, lottery.house.db, lottery.house.clock) as http:
        refused = [await http.get(path, headers=customer(li)) for path in (*paths, f"{paths[-1]}/entries")]
        refused.append(await http.post(f"{PATH}/tea/draws", headers=customer(li)))
        before = await http.get(f"/v1/customers/{li}/loyalty/surprises", headers=customer(li))
        foreign = await http.get(f"/v1/customers/{wang}/loyalty/surprises", headers=customer(li))
    drawn = await lottery.draw("tea")
    (winner,) = await lottery.winners("tea", drawn["id"])

    assert [answer.status_code for answer in refused] == [403] * 7
    assert (before.status_code, before.json()["items"], foreign.status_code) == (200, [], 404)
    assert sorted([len(await lottery.won(who)) for who in (li, wang)]) == [0, 1]
    assert len(await lottery.won(winner)) == 1


async def test_the_budget_is_spent_to_its_last_gift_over_all_draws_and_versions(lottery: Lottery):
    members = await lottery.members(10)
    await lottery.publish("tea", a_surprise(points=50, winners=4, budget=349))

    first = await lottery.draw("tea")
    second = await lottery.draw("tea")
    third = await lottery.start("tea")
    await lottery.publish("tea", a_surprise(points=49, winners=4, budget=349))
    fourth = await lottery.draw("tea")
    fifth = await lottery.start("tea")

    assert [(one["given"], one["ended_by"]) for one in (first, second, fourth)] == [
        (4, "winners"),
        (2, "budget"),
        (1, "budget"),
    ]
    assert [(one.status_code, one.json()["code"]) for one in (third, fifth)] == [(409, "surprises.budget-spent")] * 2
    assert sum([await lottery.points(who) for who in members]) == 349


async def test_a_budget_of_money_stops_gifts_of_coupons(lottery: Lottery):
    await lottery.members(5)
    await lottery.shop.publish("twenty", amount_off(2_000))
    budget = {"kind": "cost", "currency": "CNY", "amount_minor": 4_500, "each_minor": 2_000}
    await lottery.publish("tea", a_surprise(gift={"coupon": "twenty"}) | {"budget": budget})

    draw = await lottery.draw("tea")

    assert (draw["given"], draw["ended_by"]) == (2, "budget")
    assert len(await lottery.house.said("coupon.issued")) == 2


async def test_nobody_has_two_within_the_quiet_days_of_either(lottery: Lottery):
    (li,) = await lottery.members(1)
    await lottery.publish("tea", a_surprise(days=10))
    await lottery.publish("cake", a_surprise(days=3))
    clock = lottery.house.clock

    given = []
    for code, days in (("tea", 0), ("cake", 4), ("cake", 6), ("tea", 9), ("tea", 1)):
        clock.advance(timedelta(days=days))
        draw = await lottery.draw(code)
        given.append((code, draw["eligible"], draw["given"]))

    # Tea on day 0 keeps cake away until day 10; cake on day 10 keeps tea away until day 20, as tea says.
    assert given == [("tea", 1, 1), ("cake", 0, 0), ("cake", 1, 1), ("tea", 0, 0), ("tea", 1, 1)]
    assert len(await lottery.won(li)) == 3


async def test_a_surprise_draws_itself_at_its_instant_and_once(lottery: Lottery):
    (li,) = await lottery.members(1)
    clock = lottery.house.clock
    at = clock.now() + timedelta(days=2)
    await lottery.publish("tea", a_surprise(draws_at=at.isoformat(), days=1))

    early = await lottery.start("tea")
    clock.advance(timedelta(days=1, hours=23))
    await lottery.run()
    before = await lottery.points(li)
    # The worker was away at the instant.
    clock.advance(timedelta(days=3))
    await lottery.run()
    clock.advance(timedelta(days=9))
    await lottery.run()

    assert (early.status_code, early.json()["code"]) == (409, "surprises.draws-by-itself")
    assert before == 0
    assert await lottery.points(li) == 50
    (draw,) = await lottery.draws("tea")
    assert (draw["state"], draw["started_by"], draw["given"]) == ("finished", "moat", 1)


async def test_another_version_moves_the_instant_and_keeps_the_commitment(lottery: Lottery):
    (li,) = await lottery.members(1)
    clock = lottery.house.clock
    soon, later = (clock.now() + timedelta(days=days) for days in (1, 5))
    await lottery.publish("tea", a_surprise(draws_at=soon.isoformat()))
    promised = await lottery.waiting("tea")
    await lottery.publish("tea", a_surprise(points=80, draws_at=later.isoformat()))

    clock.advance(timedelta(days=2))
    await lottery.run()
    before = await lottery.points(li)
    clock.advance(timedelta(days=3))
    await lottery.run()

    (draw,) = await lottery.draws("tea")
    assert (before, await lottery.points(li)) == (0, 80)
    assert (draw["id"], draw["commitment"], draw["version"]) == (promised["id"], promised["commitment"], 2)


async def test_retiring_calls_off_what_waits_and_a_draw_under_way_goes_on_as_it_began(lottery: Lottery):
    (li,) = await lottery.members(1)
    at = lottery.house.clock.now() + timedelta(days=1)
    await lottery.publish("cake", a_surprise(draws_at=at.isoformat()))
    await lottery.publish("tea", a_surprise())
    await lottery.start("tea")

    await lottery.retire("cake")
    await lottery.retire("tea")
    lottery.house.clock.advance(timedelta(days=2))
    await lottery.run()
    again = await lottery.start("tea")

    assert await lottery.points(li) == 50
    assert [(one["state"], one["ended_by"], one["seed"]) for one in await lottery.draws("cake")] == [
        ("finished", "retired", None)
    ]
    assert {one["ended_by"] for one in await lottery.draws("tea")} == {"retired", "eligible"}
    assert (again.status_code, again.json()["code"]) == (404, "surprises.not-published")


async def test_a_coupon_that_is_given_out_no_more_ends_the_draw(lottery: Lottery):
    await lottery.members(2)
    await lottery.shop.publish("twenty", amount_off(2_000))
    await lottery.publish("tea", a_surprise(gift={"points": {"points": 5}, "coupon": "twenty"}))
    etag = (await lottery.shop.ask("GET", "/v1/loyalty/coupons/twenty")).headers["ETag"]
    await lottery.shop.ask("POST", "/v1/loyalty/coupons/twenty/retire", {}, **{"If-Match": etag})

    draw = await lottery.draw("tea")

    assert (draw["state"], draw["ended_by"], draw["given"]) == ("finished", "coupon", 0)
    assert await lottery.house.said("coupon.refused", "points.earned") == []


async def test_two_winners_who_turn_out_to_be_one_keep_both_and_wait_as_either_would(lottery: Lottery):
    li, twin = await lottery.members(2)
    await lottery.publish("tea", a_surprise(days=10))
    await lottery.draw("tea")

    await lottery.house.learn(merged(twin, li, day=100))
    again = await lottery.draw("tea")

    assert len(await lottery.won(li)) == 2
    assert await lottery.points(li) == 100
    assert (again["eligible"], again["given"]) == (0, 0)


async def test_of_two_on_the_list_who_turn_out_to_be_one_before_they_win_one_wins(lottery: Lottery):
    li, twin, wang = await lottery.members(3)
    await lottery.publish("tea", a_surprise(winners=3))
    draw = (await lottery.start("tea")).json()
    await lottery.go_on(draw["id"])

    await lottery.house.learn(merged(twin, li, day=100))
    await lottery.run()

    told = await lottery.read("tea", draw["id"])
    outcomes = {one["customer_id"]: one["outcome"] for one in await lottery.entries("tea", draw["id"])}
    assert (told["eligible"], told["given"], told["ended_by"]) == (3, 2, "eligible")
    assert sorted([outcomes[str(li)], outcomes[str(twin)]]) == ["given", "recent"]
    assert (await lottery.points(li), await lottery.points(wang)) == (50, 50)


async def test_a_preview_says_how_many_might_win(lottery: Lottery):
    li, *_ = await lottery.members(3)
    await lottery.house.learn(paid(li, 10_000))

    body = {"document": a_surprise(condition=where("growth", ">", 0))}
    answer = await lottery.shop.post(f"{PATH}/preview", body)

    assert answer["would"] == {"customers_looked_at": 3, "eligible": 1}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (a_surprise(gift={"points": {"account_type": "pionts", "points": 1}}), "/gift/points/account_type"),
        (a_surprise(gift={"points": {"account_type": "growth", "points": 1}}), "/gift/points/account_type"),
        (a_surprise(gift={"points": {"points": 1}, "coupon": "twnty"}), "/gift/coupon"),
        (a_surprise(draws_at="2020-01-01T00:00:00Z"), "/draws_at"),
        (a_surprise(condition=where("grwth", ">", 1)), "/document/condition/rules/0/field"),
        (a_surprise(winner=3), "/document/winner"),
    ],
)
async def test_what_cannot_be_given_or_asked_is_refused_with_a_pointer(lottery: Lottery, document, pointer: str):
    answer = await lottery.try_to_publish(document)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_versions_of_a_surprise_reckon_in_one_currency(lottery: Lottery):
    def budget(currency: str):
        return {"kind": "cost", "currency": currency, "amount_minor": 100, "each_minor": 1}

    await lottery.publish("tea", a_surprise() | {"budget": budget("CNY")})

    answer = await lottery.try_to_publish(a_surprise() | {"budget": budget("USD")}, "tea")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/budget/currency")


async def test_an_unknown_surprise_is_not_drawn(lottery: Lottery):
    answer = await lottery.start("nothing")
    unknown = await lottery.shop.ask("GET", f"{PATH}/nothing/draws/{uuid7()}")

    assert [(one.status_code, one.json()["code"]) for one in (answer, unknown)] == [
        (404, "surprises.not-published"),
        (404, "surprises.unknown-draw"),
    ]
