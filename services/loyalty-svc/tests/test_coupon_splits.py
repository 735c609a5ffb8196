"""Uses of coupons when two who were one are two again: each has his own uses, and the limits count just those."""

import pytest

from .builders import again, merged, parted
from .coupon_shop import Shop, amount_off, reasons
from .house import House

ONCE = {"per_code": None, "per_customer": 1}


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


async def counted(shop: Shop) -> list[int]:
    """What stands against the limit of each customer that has been counted."""
    async with shop.house.db.transaction() as tx:
        rows = await tx.all("SELECT uses FROM coupon_customer ORDER BY customer_id")
    return [row.uses for row in rows]


async def test_after_a_split_the_limit_counts_what_each_has_used_himself(shop: Shop):
    li, wang = await shop.member(), await shop.member()
    code = await shop.public_code("PARTY", amount_off(limits=ONCE))
    used = await shop.reserved(li, code)
    await shop.act(li, used, "redeem")
    merge = merged(li, wang)

    await shop.house.learn(again(merge))
    while_they_are_one = [reasons(judged) for judged in await shop.validate(wang, code)]
    await shop.house.learn(parted(merge))

    assert while_they_are_one == [["customer_limit"]]
    assert [reasons(judged) for judged in await shop.validate(li, code)] == [["customer_limit"]]
    assert [reasons(judged) for judged in await shop.validate(wang, code)] == [[]]
    assert (await shop.act(li, used, "roll-back")).status_code == 200
    assert [reasons(judged) for judged in await shop.validate(li, code)] == [[]]
    assert await counted(shop) == [0, 0]


async def test_what_is_reserved_stays_with_the_survivor_and_counts_there(shop: Shop):
    li, wang = await shop.member(), await shop.member()
    code = await shop.public_code("PARTY", amount_off(limits={"per_code": None, "per_customer": 3}))
    await shop.act(li, await shop.reserved(li, code), "redeem")
    await shop.act(wang, await shop.reserved(wang, code), "redeem")
    reserved = await shop.reserved(li, code)
    merge = merged(li, wang)

    await shop.house.learn(again(merge))
    together = await counted(shop)
    await shop.house.learn(parted(merge))

    assert together == [3]
    assert await counted(shop) == [1, 2]
    assert (await shop.act(wang, reserved, "redeem")).status_code == 200
    assert await counted(shop) == [1, 2]
