"""What becomes of a gift whose reason falls away: taken back, or kept where it was used already; on PostgreSQL."""

from typing import Any
from uuid import UUID

from .builders import paid, refunded
from .coupon_shop import Shop, amount_off
from .house import House
from .milestone_plans import publish

FIRST_ORDER = {"trigger": {"kind": "nth_order", "n": 1}, "once": "ever"}


async def codes_of(house: House, who: UUID) -> list[str]:
    async with house.db.transaction() as tx:
        return [row.code for row in await tx.all("SELECT code FROM coupon_code WHERE customer_id = :id", id=who)]


async def reached(house: House, who: UUID) -> list[dict[str, Any]]:
    answer = await Shop(house).ask("GET", f"/v1/customers/{who}/loyalty/milestones")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_coupon_that_was_used_stays_the_gift_and_no_other_is_given(house: House):
    shop = Shop(house)
    await shop.publish("thanks", amount_off(500))
    await publish(house, "first-order", **FIRST_ORDER, gift={"kind": "coupon", "coupon": "thanks"})
    li = await shop.member()
    order = paid(li, 10_000, day=99)
    await house.learn(order)
    (code,) = await codes_of(house, li)
    await shop.act(li, await shop.reserved(li, code), "redeem")

    for number in range(3):
        await house.learn(refunded(li, order.data.order_uid, 10_000, day=100))
        assert [one["withdrawn_at"] for one in await reached(house, li)] == [None]
        order = paid(li, 10_000, day=100 + number)
        await house.learn(order)

    assert await codes_of(house, li) == [code]
    assert len(await house.said("milestone.reached")) == 1
