"""Codes given to customers: by staff, out of a pool, by request; and who may see them."""

import asyncio
from datetime import timedelta

import pytest

from loyalty_svc.coupons.tables import MAKE
from moat.contracts.loyalty import IssueCoupon
from moat.kit.testing import an_event
from moat.kit.testing.callers import customer

from .builders import merged
from .coupon_shop import Shop, amount_off, reasons
from .house import House

POOLS = "/v1/loyalty/coupon-pools"


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


async def test_staff_gives_a_member_a_code_of_his_own(shop: Shop):
    await shop.publish("party", amount_off(valid_days=10))
    li, wang = await shop.member(), await shop.member()
    path = f"/v1/customers/{li}/loyalty/coupons"

    given = await shop.post(path, {"coupon": "party"}, status=201, **{"Idempotency-Key": "a"})
    again = await shop.post(path, {"coupon": "party"}, status=201, **{"Idempotency-Key": "a"})

    assert given == again
    assert given["expires_at"] == (shop.house.clock.now() + timedelta(days=10)).isoformat().replace("+00:00", "Z")
    (mine,) = await shop.validate(li, given["code"].lower())
    (foreign,) = await shop.validate(wang, given["code"])
    assert mine["usable"]
    assert reasons(foreign) == ["not_yours"]
    assert [data["code"] for _, _, data in await shop.house.said("coupon.issued")] == [given["code"]]


async def test_a_pool_gives_each_member_another_code_until_it_is_empty(shop: Shop):
    await shop.publish("party", amount_off())
    opened = await shop.post(
        POOLS, {"coupon": "party", "kind": "generated", "name": "leaflets", "count": 10}, status=201
    )
    await shop.fire(MAKE)
    members = [await shop.member() for _ in range(12)]

    answers = await asyncio.gather(
        *[
            shop.ask("POST", f"/v1/customers/{who}/loyalty/coupons", {"coupon": "party", "pool_id": opened["id"]})
            for who in members
        ]
    )

    given = [answer.json()["code"] for answer in answers if answer.status_code == 201]
    assert len(set(given)) == len(given) == 10
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"coupons.pool-empty"}


async def test_requests_are_answered_by_events_that_name_them(shop: Shop):
    await shop.publish("party", amount_off())
    await shop.publish("last-year", amount_off(ends_at="2025-12-31T00:00:00Z"))
    li = await shop.member()
    wanted = [an_event(IssueCoupon(coupon=coupon), about=li) for coupon in ("party", "nonsense", "last-year")]

    await shop.house.learn(*wanted)

    async with shop.house.db.transaction() as tx:
        rows = await tx.all("SELECT type, payload, headers FROM outbox ORDER BY seq")
    answers = {row.headers["causationid"]: row.type for row in rows if "coupon" in row.type}
    assert answers == {
        wanted[0].id: "moat.coupon.issued.v1",
        wanted[1].id: "moat.coupon.refused.v1",
        wanted[2].id: "moat.coupon.refused.v1",
    }
    assert [data["reason"] for _, _, data in await shop.house.said("coupon.refused")] == ["unknown_coupon", "over"]


async def test_a_request_that_comes_again_gives_no_second_code(shop: Shop):
    await shop.publish("party", amount_off())
    li = await shop.member()
    wanted = an_event(IssueCoupon(coupon="party"), about=li)

    await asyncio.gather(*[shop.house.learn(wanted) for _ in range(4)])
    async with shop.house.db.transaction() as tx:
        await tx.execute("DELETE FROM inbox")
    await shop.house.learn(wanted)

    page = (await shop.ask("GET", f"/v1/customers/{li}/loyalty/coupons")).json()
    assert len(page["items"]) == 1
    assert len(await shop.house.said("coupon.issued")) == 1


async def test_a_member_sees_his_own_codes_and_follows_a_merge(shop: Shop):
    await shop.publish("party", amount_off())
    li, wang = await shop.member(), await shop.member()
    await shop.house.learn(an_event(IssueCoupon(coupon="party"), about=li))
    path = "/v1/customers/{}/loyalty/coupons"

    shop.staff = customer(li)
    own = await shop.ask("GET", path.format(li), **{"Accept-Language": "en"})
    foreign = await shop.ask("GET", path.format(wang))
    given = await shop.ask("POST", path.format(li), {"coupon": "party"})
    await shop.house.learn(merged(li, wang))
    shop.staff = customer(wang)
    after = await shop.ask("GET", path.format(wang))

    (code,) = own.json()["items"]
    assert (code["name"], code["state"], code["shown"]) == (
        "A coupon",
        "usable",
        "-".join(code["code"][at : at + 4] for at in (0, 4, 8)),
    )
    assert (foreign.status_code, given.status_code) == (404, 403)
    assert [one["id"] for one in after.json()["items"]] == [code["id"]]
