"""Codes under many hands at once, on real connections: never more often than they may be used."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.coupon_uses.tables import RELEASE

from .coupon_shop import Shop, amount_off, basket
from .house import House


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


async def uses(shop: Shop, table: str = "coupon_code") -> list[int]:
    async with shop.house.db.transaction() as tx:
        return list((await tx.execute(f"SELECT uses FROM {table} ORDER BY 1")).scalars())


async def test_fifty_at_once_use_a_single_code_once(shop: Shop):
    await shop.public_code("ONLY1", amount_off())
    members = [await shop.member() for _ in range(10)]

    answers = await asyncio.gather(*[shop.reserve(members[n % 10], "only1") for n in range(50)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert await uses(shop) == [1]


async def test_a_limit_per_customer_holds_when_he_is_everywhere_at_once(shop: Shop):
    await shop.public_code("MANY", amount_off(limits={"per_code": None, "per_customer": 2}))
    li = await shop.member()

    answers = await asyncio.gather(*[shop.reserve(li, "many") for _ in range(12)])

    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 10}
    assert await uses(shop, "coupon_customer") == [2]
    assert await uses(shop) == [2]


async def test_a_limit_per_pool_holds_over_all_its_codes(shop: Shop):
    await shop.publish("party", amount_off(limits={"per_pool": 3}))
    opened = await shop.post(
        "/v1/loyalty/coupon-pools", {"coupon": "party", "kind": "imported", "name": "n"}, status=201
    )
    codes = [f"P{n:03}" for n in range(10)]
    await shop.post(f"/v1/loyalty/coupon-pools/{opened['id']}/codes", {"codes": codes})
    members = [await shop.member() for _ in range(10)]

    answers = await asyncio.gather(*[shop.reserve(who, code) for who, code in zip(members, codes, strict=True)])

    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 7}
    assert sum(await uses(shop)) == sum(await uses(shop, "coupon_pool")) == 3


async def test_codes_that_cross_wait_for_each_other_and_do_not_lock_up(shop: Shop):
    together: dict[str, Any] = {"limits": {"per_code": None}, "stacking": {"mode": "with_others"}}
    await shop.public_code("AAA", amount_off(**together), "a")
    await shop.public_code("BBB", amount_off(**together), "b")
    members = [await shop.member() for _ in range(5)]

    answers = await asyncio.gather(
        *[shop.reserve(who, *codes) for who in members for codes in (("AAA", "BBB"), ("BBB", "AAA"))]
    )

    assert {answer.status_code for answer in answers} == {201}
    assert await uses(shop) == [10, 10]


async def test_a_redemption_and_a_time_out_at_once_are_one_of_both(shop: Shop):
    await shop.public_code("RACE", amount_off(limits={"per_code": None}))
    li = await shop.member()
    checkouts = [await shop.reserved(li, "race", minutes=1) for _ in range(6)]
    shop.house.clock.advance(timedelta(seconds=59))

    async def time_passes() -> None:
        shop.house.clock.advance(timedelta(seconds=1))
        await shop.fire(RELEASE)

    answers = await asyncio.gather(*[shop.act(li, checkout, "redeem") for checkout in checkouts], time_passes())

    redeemed = sum(answer.status_code == 200 for answer in answers[:-1])
    assert await uses(shop) == [redeemed]


async def test_the_same_key_puts_aside_once(shop: Shop):
    await shop.public_code("KEY", amount_off(limits={"per_code": None}))
    li = await shop.member()
    body = {"codes": ["key"], "basket": basket(5000)}

    path = f"/v1/customers/{li}/loyalty/coupon-uses"
    answers = await asyncio.gather(*[shop.ask("POST", path, body, **{"Idempotency-Key": "k"}) for _ in range(6)])

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await uses(shop) == [1]
