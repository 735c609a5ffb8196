"""Tiers given by hand until a date, above what is earned."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.posting import Basis, Cause, Kind, owed
from loyalty_svc.tiers import queries, usecases
from loyalty_svc.tiers.settling import settle_members
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer

from .builders import a_customer, at, merged, paid
from .coupon_shop import amount_off, reasons
from .house import House
from .reward_shop import a_reward
from .rulebook import PER_UNIT, a_rule, put_in_force
from .tier_club import Club


@pytest.fixture
def club(house: House) -> Club:
    return Club(house)


async def test_a_tier_given_by_hand_holds_until_its_date_above_what_is_earned(club: Club):
    li = uuid7()
    await club.house.learn(a_customer(li), paid(li, 25_000, day=1))

    answer = await club.grant(li, "black", at(110))
    await club.house.learn(paid(li, 30_000, day=99))
    during = (await club.tier(li), await club.prospect(li))
    glance = await club.get(f"/v1/customers/{li}/loyalty")
    await club.until(111)

    assert answer.status_code == 201, answer.text
    assert during[0] == "black"
    assert (during[1]["earned_code"], during[1]["next"]) == ("gold", None)
    assert glance["tier"]["next"] is None
    assert await club.house.tier(li) == ("gold", at(99))
    assert [told[2]["to_tier"] for told in await club.house.said("tier.upgraded", "tier.downgraded")] == [
        "silver",
        "black",
        "gold",
    ]
    grants = await club.get(f"/v1/customers/{li}/loyalty/tier-grants")
    assert [(one["tier"], one["end_reason"]) for one in grants["items"]] == [("black", "its time is over")]
    async with club.house.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM audit WHERE action = 'tier.granted'") == 1


async def test_who_never_bought_may_be_given_a_tier_and_lose_it_again(club: Club):
    li = uuid7()
    await club.house.learn(a_customer(li))
    grant = (await club.grant(li, "gold", at(200))).json()
    given = await club.tier(li)

    path = f"/v1/customers/{li}/loyalty/tier-grants/{grant['id']}/end"
    ended = await club.shop.ask("POST", path, {"reason": "by mistake"})
    again = await club.shop.ask("POST", path, {"reason": "by mistake"})
    await club.house.learn(paid(li, 25_000, day=99))

    assert (given, ended.status_code, again.status_code) == ("gold", 200, 409)
    assert await club.house.tier(li) == ("silver", at(99))


async def test_a_tier_given_while_the_first_order_is_booked_is_not_lost(club: Club):
    li, now = uuid7(), club.house.clock.now()
    order = paid(li, 25_000, day=99)
    await club.house.learn(a_customer(li))
    basis = Basis(Kind.EARNED, "order.paid", ("points", "growth"), "r@1")
    async with club.house.db.transaction() as tx:
        plan = await queries.plan(tx)
        seen = await queries.standings(tx, [li])
        assert (await club.grant(li, "gold", at(200))).status_code == 201
        award = owed(li, basis, 250, at=order.time, cause=Cause(uuid7(), "r", order.id))
        posted, _ = await ledger.post(tx, [award], now=now)
        grown = usecases._by_member(posted, [order], plan.over)
        # Nothing was granted when the standing was read, so it is followed alone; saving it finds the grant.
        again = await usecases._follow_alone(tx, plan, grown, seen)
        await settle_members(tx, plan, {id_: grown[id_].why() for id_ in again})

    prospect = await club.prospect(li)
    assert (again, prospect["code"], prospect["earned_code"]) == ({li}, "gold", "silver")


async def test_a_merge_brings_the_better_grant_along(club: Club):
    li, wang = uuid7(), uuid7()
    await club.house.learn(a_customer(li), a_customer(wang), paid(li, 10_000), paid(wang, 10_000))
    await club.grant(li, "black", at(130))
    await club.grant(wang, "silver", at(150))

    await club.house.learn(merged(li, wang, day=99))
    stands = await club.tier(wang)
    await club.until(131)

    assert (stands, await club.tier(wang)) == ("black", "silver")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"tier": "golf"}, "/tier"), ({"until": at(0).isoformat()}, "/until"), ({"reason": ""}, "/reason")],
)
async def test_a_wrong_grant_names_its_field(club: Club, body: dict[str, Any], pointer: str):
    li = uuid7()
    await club.house.learn(a_customer(li))
    good = {"tier": "gold", "until": at(150).isoformat(), "reason": "guest of honour"}

    answer = await club.shop.ask("POST", f"/v1/customers/{li}/loyalty/tier-grants", good | body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_member_reads_his_own_tier_and_grants_himself_none(club: Club):
    li, wang = uuid7(), uuid7()
    await club.house.learn(a_customer(li), a_customer(wang))
    club.shop.staff = customer(li)

    own = await club.shop.ask("GET", f"/v1/customers/{li}/loyalty/tier")
    foreign = await club.shop.ask("GET", f"/v1/customers/{wang}/loyalty/tier")
    granted = await club.grant(li, "black", at(150))

    assert (own.status_code, foreign.status_code, granted.status_code) == (200, 404, 403)


async def test_a_granted_tier_ends_in_time_for_rewards_coupons_and_rules_though_its_timer_is_late(club: Club):
    li, house = uuid7(), club.house
    gold = {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "gold"}]}
    await club.shop.publish("lounge", a_reward(1, condition=gold), path="/v1/loyalty/rewards")
    code = await club.shop.public_code("GOLD", amount_off(condition=gold))
    await put_in_force(house, "order-points", a_rule(PER_UNIT, condition=gold))
    await house.learn(a_customer(li))
    await club.grant(li, "gold", house.clock.now() + timedelta(minutes=10))

    async def has() -> tuple[list[str], list[str]]:
        page = await club.get(f"/v1/customers/{li}/loyalty/rewards")
        (offer,) = [one for one in page["items"] if one["code"] == "lounge"]
        (judged,) = await club.shop.validate(li, code)
        return [one["code"] for one in offer["reasons"]], reasons(judged)

    during = await has()
    house.clock.advance(timedelta(minutes=11))
    ordered_at = (house.clock.now() - at(0)) / timedelta(days=1)
    await house.learn(paid(li, 1_000, day=ordered_at))
    nothing = await house.points(li)
    await house.learn(paid(li, 1_000, day=ordered_at - 0.003))

    assert during == (["points"], [])
    assert await has() == (["condition"], ["condition"])
    assert (nothing[0], (await house.points(li))[0]) == (0, 10)
