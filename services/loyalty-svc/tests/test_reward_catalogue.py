"""What a member may have, and why not; what managers may promise."""

from datetime import timedelta

import pytest

from moat.kit.testing.callers import customer, staff

from .coupon_shop import Shop
from .house import House
from .reward_shop import RewardShop, a_reward

STAMPS = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}


@pytest.fixture
def shop(house: House) -> RewardShop:
    return RewardShop(Shop(house))


async def test_a_member_sees_what_he_may_have_and_why_not(shop: RewardShop):
    li = await shop.member(150)
    gold = {"combinator": "and", "rules": [{"field": "tier", "operator": "in", "value": ["gold"]}]}
    await shop.publish("lounge", a_reward(10, kind="service", condition=gold))

    shop.staff = customer(li)
    page = (await shop.ask("GET", f"/v1/customers/{li}/loyalty/rewards", **{"Accept-Language": "en"})).json()

    seen = {one["code"]: (one["name"], [reason["text"] for reason in one["reasons"]]) for one in page["items"]}
    assert seen == {
        "canvas-bag": ("Canvas bag", ["150 more points are needed"]),
        "lounge": ("A reward", ["It is not for everybody: the tier must be one of Gold"]),
        "plant-a-tree": ("Plant a tree", []),
        "twenty-off": ("Coupon: 20 off from 100", ["50 more points are needed"]),
    }
    assert [one["available"] for one in page["items"]] == [False, False, True, False]
    assert page["items"][0]["left"] == 500


async def test_what_is_missing_is_said_in_the_units_of_what_pays(shop: RewardShop):
    li = await shop.member(500)
    await shop.coupons.publish("stamps", STAMPS, path="/v1/loyalty/account-types")
    anybody = {"combinator": "and", "rules": [{"field": "points", "operator": ">=", "value": 10}]}
    await shop.publish("bag", a_reward(0, price={"points": 10, "account_type": "stamps"}, condition=anybody))
    path = f"/v1/customers/{li}/loyalty/rewards"

    pages = [(await shop.ask("GET", path, **{"Accept-Language": name})).json() for name in ("zh-CN", "en")]
    refused = (await shop.redeem(li, "bag")).json()

    told = [one["reasons"][0]["text"] for page in pages for one in page["items"] if one["code"] == "bag"]
    assert told == ["还差 10 枚", "10 more stamps are needed"]
    assert [reason["texts"]["zh-CN"] for reason in refused["reasons"]] == ["还差 10 枚"]


async def test_the_list_of_rewards_is_paged(shop: RewardShop):
    li = await shop.member(0)
    path = f"/v1/customers/{li}/loyalty/rewards?limit=2"

    first = (await shop.ask("GET", path)).json()
    second = (await shop.ask("GET", f"{path}&cursor={first['next_cursor']}")).json()

    assert [one["code"] for one in first["items"] + second["items"]] == ["canvas-bag", "plant-a-tree", "twenty-off"]
    assert second["next_cursor"] is None


async def test_a_limit_within_days_opens_again(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("tea", a_reward(10, per_customer={"times": 1, "days": 7}))

    first, second = await shop.redeem(li, "tea"), await shop.redeem(li, "tea")
    shop.house.clock.advance(timedelta(days=7))
    shop.staff = staff("loyalty:read", "loyalty:write", at=shop.house.clock.now())
    third = await shop.redeem(li, "tea")

    assert [first.status_code, second.status_code, third.status_code] == [201, 409, 201]
    assert second.json()["reasons"][0]["texts"]["zh-CN"] == "每位会员 7 天内限兑 1 件"


async def test_a_new_version_with_more_pieces_restocks_the_shelf(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(10, stock=1))
    await shop.redeem(li, "mug")

    empty = await shop.redeem(li, "mug")
    await shop.publish("mug", a_reward(10, stock=2))
    full = await shop.redeem(li, "mug")

    assert empty.json()["reasons"][0]["code"] == "sold_out"
    assert full.status_code == 201


async def test_a_reward_cannot_promise_a_coupon_that_is_not_there(shop: RewardShop):
    draft = await shop.ask(
        "POST", "/v1/loyalty/rewards", {"code": "x", "document": a_reward(1, kind="coupon", coupon="tventy-off")}
    )

    answer = await shop.ask("POST", "/v1/loyalty/rewards/x/publish", {}, **{"If-Match": draft.headers["ETag"]})

    assert answer.status_code == 422
    assert "did you mean twenty-off?" in answer.json()["errors"][0]["detail"]


async def test_a_version_for_later_waits_for_its_day(shop: RewardShop):
    li = await shop.member(500)
    await shop.publish("mug", a_reward(10))
    tomorrow = shop.house.clock.now() + timedelta(days=1)
    await shop.publish("mug", a_reward(400), valid_from=tomorrow.isoformat())

    today = await shop.redeem(li, "mug")
    shop.house.clock.set(tomorrow)
    after = await shop.redeem(li, "mug")

    assert (today.json()["points"], after.json()["points"]) == (10, 400)


async def test_a_reward_is_paid_with_points_that_can_be_spent(shop: RewardShop):
    for place, account_type in enumerate(("growth", "stamps")):
        document = {**a_reward(1), "price": {"points": 1, "account_type": account_type}}
        draft = await shop.ask("POST", "/v1/loyalty/rewards", {"code": f"r{place}", "document": document})

        answer = await shop.ask(
            "POST", f"/v1/loyalty/rewards/r{place}/publish", {}, **{"If-Match": draft.headers["ETag"]}
        )

        assert answer.status_code == 422, answer.text
