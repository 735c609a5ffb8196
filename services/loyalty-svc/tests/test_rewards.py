"""Redemptions over HTTP, and what becomes of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.rewards.tables import RELEASE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff

from .builders import merged
from .coupon_shop import Shop
from .house import House
from .reward_shop import RewardShop, a_reward


@pytest.fixture
def shop(house: House) -> RewardShop:
    return RewardShop(Shop(house))


async def test_a_member_redeems_with_his_own_token_and_the_points_are_spent(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=5))

    shop.staff = customer(li)
    answer = await shop.redeem(li, "mug")

    assert answer.status_code == 201, answer.text
    redemption = answer.json()
    assert (redemption["state"], redemption["points"], redemption["allowed_actions"]) == (
        "redeemed",
        300,
        ["fulfil", "refund", "send"],
    )
    assert await shop.balance(li) == (200, 0)
    assert await shop.gone("mug") == 1
    ((_, about, told),) = await shop.house.said("reward.redeemed")
    assert (about, told["reward"], told["points"], told["quantity"]) == (li, "mug", 300, 1)
    assert (await shop.house.audit()).violations == []


async def test_who_has_too_few_points_pays_nothing_and_takes_nothing(shop: RewardShop):
    li = await shop.member(200)
    await shop.publish("mug", a_reward(300, stock=5))

    answer = await shop.redeem(li, "mug")

    assert (answer.status_code, answer.json()["code"]) == (409, "points.insufficient")
    assert (answer.json()["available"], answer.json()["requested"]) == (200, 300)
    assert await shop.balance(li) == (200, 0)
    assert await shop.gone("mug") == 0


async def test_what_is_reserved_is_confirmed(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=5))

    reserved = (await shop.redeem(li, "mug", reserve=True)).json()
    between = await shop.balance(li)
    confirmed = await shop.act(li, reserved["id"], "confirm")

    assert (reserved["state"], reserved["allowed_actions"]) == ("reserved", ["cancel", "confirm"])
    assert between == (200, 300)
    assert confirmed.json()["state"] == "redeemed"
    assert await shop.balance(li) == (200, 0)
    assert [short for short, _, _ in await shop.house.said("reward.reserved", "reward.redeemed")] == [
        "reward.reserved",
        "reward.redeemed",
    ]
    assert (await shop.house.audit()).violations == []


async def test_what_is_cancelled_gives_points_and_piece_back(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=1))
    reserved = (await shop.redeem(li, "mug", reserve=True)).json()

    shop.staff = customer(li)
    cancelled = await shop.act(li, reserved["id"], "cancel", {"reason": "changed my mind"})

    assert cancelled.json()["state"] == "cancelled"
    assert await shop.balance(li) == (500, 0)
    assert await shop.gone("mug") == 0
    assert [data["reason"] for _, _, data in await shop.house.said("reward.cancelled")] == ["cancelled"]


async def test_a_reservation_ends_at_its_instant(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=1))
    reserved = (await shop.redeem(li, "mug", reserve=True, minutes=10)).json()

    shop.house.clock.advance(timedelta(minutes=10))
    late = await shop.act(li, reserved["id"], "confirm")
    fired = [await shop.fire(RELEASE), await shop.fire(RELEASE), await shop.fire("points.hold")]
    row = (await shop.ask("GET", f"/v1/customers/{li}/loyalty/redemptions/{reserved['id']}")).json()

    assert (late.status_code, late.json()["state"]) == (409, "timed_out")
    assert fired == [1, 0, 1]
    assert row["state"] == "timed_out"
    assert await shop.balance(li) == (500, 0)
    assert await shop.gone("mug") == 0
    assert [data["reason"] for _, _, data in await shop.house.said("reward.cancelled")] == ["timed_out"]


@pytest.mark.parametrize(
    "actions",
    [
        ("confirm", "confirm"),
        ("cancel", "confirm"),
        ("confirm", "cancel"),
        ("cancel", "cancel"),
        ("confirm", "refund", "refund"),
        ("confirm", "refund", "fulfil"),
        ("confirm", "fulfil", "send"),
    ],
)
async def test_what_does_not_follow_is_refused(shop: RewardShop, actions: tuple[str, ...]):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=5))
    reserved = (await shop.redeem(li, "mug", reserve=True)).json()

    answers = [await shop.act(li, reserved["id"], action) for action in actions]

    assert [answer.status_code for answer in answers] == [200] * (len(actions) - 1) + [409]
    assert answers[-1].json()["code"] == "rewards.not-in-state"
    assert (await shop.house.audit()).violations == []


async def test_a_good_is_sent_and_arrives(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300))
    id_ = (await shop.redeem(li, "mug")).json()["id"]

    waiting = (await shop.ask("GET", "/v1/loyalty/redemptions")).json()["items"]
    sent = (await shop.act(li, id_, "send", {"reference": "SF-1"})).json()
    done = (await shop.act(li, id_, "fulfil")).json()

    assert [row["id"] for row in waiting] == [id_]
    assert (sent["state"], sent["reference"]) == ("sent", "SF-1")
    assert (done["state"], done["reference"], done["allowed_actions"]) == ("fulfilled", "SF-1", ["refund"])
    assert (await shop.ask("GET", "/v1/loyalty/redemptions")).json()["items"] == []
    assert len(await shop.house.said("reward.fulfilled")) == 1


async def test_a_refund_restores_points_and_piece(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(300, stock=1))
    id_ = (await shop.redeem(li, "mug")).json()["id"]
    await shop.act(li, id_, "fulfil")

    refunded = await shop.act(li, id_, "refund", {"reason": "broken"})

    assert (refunded.json()["state"], refunded.json()["reason"]) == ("refunded", "broken")
    assert await shop.balance(li) == (500, 0)
    assert await shop.gone("mug") == 0
    assert (await shop.redeem(li, "mug")).status_code == 201
    assert (await shop.house.audit()).violations == []


async def test_a_coupon_reward_gives_its_code_at_once_and_a_refund_withdraws_it(shop: RewardShop):
    li = await shop.member(500)

    redemption = (await shop.redeem(li, "twenty-off")).json()
    (judged,) = await shop.coupons.validate(li, redemption["coupon_code"])
    refunded = await shop.act(li, redemption["id"], "refund")
    (after,) = await shop.coupons.validate(li, redemption["coupon_code"])

    assert redemption["state"] == "fulfilled"
    assert judged["goods_minor"] == 2000
    assert refunded.status_code == 200
    assert after["reasons"][0]["code"] == "withdrawn"
    assert await shop.balance(li) == (500, 0)


@pytest.mark.parametrize("way", [{}, {"reserve": True}])
async def test_coupons_are_had_one_at_a_time_so_nobody_pays_for_codes_he_does_not_get(shop: RewardShop, way: Any):
    li = await shop.member(1500)

    refused = await shop.redeem(li, "twenty-off", quantity=3, **way)
    had = await shop.redeem(li, "twenty-off", quantity=1, **way)

    assert (refused.status_code, refused.json()["code"]) == (422, "rewards.one-coupon-at-a-time")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/quantity"]
    assert refused.json()["texts"]["zh-CN"] == "优惠券每次只能兑换一张"
    assert (had.status_code, had.json()["points"]) == (201, 200)
    assert (await shop.balance(li))[0] == 1300


async def test_a_coupon_that_was_used_is_not_refunded(shop: RewardShop):
    li = await shop.member(500)
    redemption = (await shop.redeem(li, "twenty-off", reserve=True)).json()
    code = (await shop.act(li, redemption["id"], "confirm")).json()["coupon_code"]
    await shop.coupons.reserved(li, code)

    answer = await shop.act(li, redemption["id"], "refund")

    assert (answer.status_code, answer.json()["code"]) == (409, "rewards.coupon-used")
    assert await shop.balance(li) == (300, 0)


async def test_a_reward_that_costs_money_too_is_confirmed_by_the_shop(shop: RewardShop):
    li = await shop.member(500)
    money = {"currency": "CNY", "amount_minor": 990}
    await shop.publish("mug", {**a_reward(300), "price": {"points": 300, "money": money}})

    at_once = await shop.redeem(li, "mug")
    reserved = (await shop.redeem(li, "mug", reserve=True)).json()
    shop.staff = customer(li)
    by_member = await shop.act(li, reserved["id"], "confirm")
    shop.staff = staff("loyalty:read", "loyalty:write")
    by_shop = await shop.act(li, reserved["id"], "confirm", {"order_id": "o-1"})

    assert (at_once.status_code, by_member.status_code) == (409, 409)
    assert {at_once.json()["code"], by_member.json()["code"]} == {"rewards.payment-needed"}
    assert (by_shop.json()["state"], by_shop.json()["order_id"], by_shop.json()["money"]) == (
        "redeemed",
        "o-1",
        money,
    )


async def test_a_merge_takes_redemptions_and_their_limits_along(shop: RewardShop):
    li, wang = await shop.member(500), await shop.member(500)
    await shop.publish("mug", a_reward(100, per_customer={"times": 1}))
    reserved = (await shop.redeem(li, "mug", reserve=True)).json()

    await shop.house.learn(merged(li, wang))
    again = await shop.redeem(wang, "mug")
    confirmed = await shop.act(li, reserved["id"], "confirm")

    assert again.json()["reasons"][0]["code"] == "customer_limit"
    assert (confirmed.status_code, confirmed.json()["customer_id"]) == (200, str(wang))
    assert await shop.balance(wang) == (900, 0)
    assert (await shop.house.audit()).violations == []


async def test_each_kind_of_caller_reaches_what_is_his(shop: RewardShop):
    li, wang = await shop.member(500), await shop.member(500)
    reserved = (await shop.redeem(li, "plant-a-tree", reserve=True)).json()

    shop.staff = customer(wang)
    foreign = [
        await shop.redeem(li, "plant-a-tree"),
        await shop.act(li, reserved["id"], "confirm"),
        await shop.act(wang, reserved["id"], "confirm"),
        await shop.ask("GET", f"/v1/customers/{li}/loyalty/rewards"),
        await shop.ask("GET", f"/v1/customers/{wang}/loyalty/redemptions/{reserved['id']}"),
    ]
    shop.staff = customer(li)
    staffs = [
        await shop.ask("GET", "/v1/loyalty/redemptions"),
        await shop.ask("GET", "/v1/loyalty/rewards"),
        *[await shop.act(li, reserved["id"], action) for action in ("send", "fulfil", "refund")],
    ]
    shop.staff = staff("loyalty:read")
    reader = await shop.redeem(li, "plant-a-tree")

    assert {answer.status_code for answer in foreign} == {404}
    assert {answer.status_code for answer in staffs} == {403}
    assert reader.status_code == 403


async def test_row_level_security_shows_no_foreign_redemption(shop: RewardShop):
    li, wang = await shop.member(500), await shop.member(500)
    for who in (li, wang):
        await shop.redeem(who, "plant-a-tree")

    async with shop.house.db.transaction(customer=li) as tx:
        owners: set[UUID] = set((await tx.execute("SELECT customer_id FROM reward_redemption")).scalars())

    assert owners == {li}


@pytest.mark.parametrize(
    "change", [{"quantity": 0}, {"quantity": 1001}, {"quantity": -1}, {"minutes": 0}, {"reward": ""}, {"colour": "red"}]
)
async def test_bad_input_is_422(shop: RewardShop, change: dict[str, Any]):
    li = await shop.member(500)

    answer = await shop.ask("POST", f"/v1/customers/{li}/loyalty/redemptions", {"reward": "plant-a-tree"} | change)

    assert answer.status_code == 422


async def test_what_is_unknown_is_404(shop: RewardShop):
    li = await shop.member(500)

    assert (await shop.redeem(li, "nonsense")).json()["code"] == "rewards.unknown"
    assert (await shop.act(li, str(uuid7()), "confirm")).json()["code"] == "rewards.unknown-redemption"
