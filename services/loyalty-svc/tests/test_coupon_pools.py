"""Pools of codes: a million made meanwhile, imported, public."""

import asyncio
from typing import Any

import pytest

from loyalty_svc.coupons import usecases
from loyalty_svc.coupons.tables import MAKE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff

from .coupon_shop import Shop, amount_off, reasons
from .house import House

POOLS = "/v1/loyalty/coupon-pools"


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


def generated(count: int, **more: Any) -> dict[str, Any]:
    return {"coupon": "party", "kind": "generated", "name": "leaflets", "count": count, **more}


async def pool(shop: Shop, id_: str) -> dict[str, Any]:
    return dict((await shop.ask("GET", f"{POOLS}/{id_}")).json())


async def codes_of(shop: Shop, id_: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"{POOLS}/{id_}/codes?limit=200"
    cursor = ""
    while True:
        page = (await shop.ask("GET", path + cursor)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_pool_is_made_in_slices_and_says_how_far_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usecases, "SLICE_CODES", 400)
    await shop.publish("party", amount_off())

    opened = await shop.post(POOLS, generated(1000, prefix="LEAF"), status=201)
    seen = [(await pool(shop, opened["id"]))["made"]]
    while await shop.fire(MAKE):
        seen.append((await pool(shop, opened["id"]))["made"])

    assert seen == [0, 400, 800, 1000]
    assert (await pool(shop, opened["id"]))["status"] == "ready"
    codes = [code["code"] for code in await codes_of(shop, opened["id"])]
    assert len(codes) == len(set(codes)) == 1000
    assert {code[:4] for code in codes} == {"LEAF"}


async def test_making_goes_on_where_a_killed_process_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usecases, "SLICE_CODES", 50)
    await shop.publish("party", amount_off())
    opened = await shop.post(POOLS, generated(100), status=201)
    await shop.fire(MAKE)
    with pytest.raises(RuntimeError, match="killed"):
        async with shop.house.db.transaction() as tx:
            await usecases.make_slices(tx, [opened["id"]], at=shop.house.clock.now())
            raise RuntimeError("killed before its commit")

    await shop.fire(MAKE)

    assert (await pool(shop, opened["id"]))["made"] == len(await codes_of(shop, opened["id"])) == 100
    assert await shop.fire(MAKE) == 0


async def test_codes_that_exist_are_drawn_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    await shop.publish("party", amount_off())
    first = await shop.post(POOLS, generated(3), status=201)
    await shop.fire(MAKE)
    there = [code["code"] for code in await codes_of(shop, first["id"])]
    draw = usecases._draw
    draws = iter([[*there[:2], "NEWCQDE"]])
    monkeypatch.setattr(usecases, "_draw", lambda wanted, prefix: next(draws, None) or draw(wanted, prefix))

    second = await shop.post(POOLS, generated(3), status=201)
    await shop.fire(MAKE)
    between = (await pool(shop, second["id"]))["made"]
    await shop.fire(MAKE)

    assert between == 1
    assert (await pool(shop, second["id"]))["made"] == len(await codes_of(shop, second["id"])) == 3


async def test_two_workers_make_no_code_too_many(shop: Shop):
    await shop.publish("party", amount_off())
    opened = await shop.post(POOLS, generated(500), status=201)

    await asyncio.gather(*[shop.fire(MAKE) for _ in range(4)])

    assert len(await codes_of(shop, opened["id"])) == 500


async def test_a_withdrawn_pool_stops_being_made_and_its_codes_stop(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usecases, "SLICE_CODES", 10)
    await shop.publish("party", amount_off())
    opened = await shop.post(POOLS, generated(100), status=201)
    await shop.fire(MAKE)

    withdrawn = await shop.post(f"{POOLS}/{opened['id']}/withdraw", {})
    await shop.fire(MAKE)

    assert withdrawn["status"] == "withdrawn"
    assert (await pool(shop, opened["id"]))["made"] == 10
    code = (await codes_of(shop, opened["id"]))[0]
    assert code["state"] == "withdrawn"
    (judged,) = await shop.validate(await shop.member(), code["code"])
    assert reasons(judged) == ["withdrawn"]


async def test_imported_codes_are_taken_once_in_whatever_form(shop: Shop):
    await shop.publish("party", amount_off())
    body = {"coupon": "party", "kind": "imported", "name": "cinema"}
    opened = await shop.post(POOLS, body, status=201)

    path = f"{POOLS}/{opened['id']}/codes"
    first = await shop.post(path, {"codes": ["film-0001", "FILM 0002", "film0001", "ä"]})
    again = await shop.post(path, {"codes": ["Film-0002", "film-0003"]})

    assert first == {"added": 2, "known": [], "invalid": [3]}
    assert again == {"added": 1, "known": ["FILM0002"], "invalid": []}
    assert (await pool(shop, opened["id"]))["made"] == 3


async def test_codes_are_imported_into_pools_for_them_only(shop: Shop):
    await shop.public_code("PARTY24", amount_off())
    (page,) = [(await shop.ask("GET", POOLS)).json()]

    answer = await shop.ask("POST", f"{POOLS}/{page['items'][0]['id']}/codes", {"codes": ["a1"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "coupons.not-imported")


async def test_a_public_code_that_is_taken_is_refused(shop: Shop):
    await shop.public_code("PARTY24", amount_off())
    body = {"coupon": "party", "kind": "public", "name": "again", "code": "party-24"}

    answer = await shop.ask("POST", POOLS, body)

    assert (answer.status_code, answer.json()["code"]) == (409, "coupons.code-taken")
    assert len((await shop.ask("GET", POOLS)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"coupon": "parti", "kind": "generated", "name": "n", "count": 1}, "/coupon"),
        ({"coupon": "party", "kind": "generated", "name": "n"}, ""),
        ({"coupon": "party", "kind": "generated", "name": "n", "count": 0}, "/count"),
        ({"coupon": "party", "kind": "generated", "name": "n", "count": 5_000_001}, "/count"),
        ({"coupon": "party", "kind": "public", "name": "n", "code": "!!"}, "/code"),
        ({"coupon": "party", "kind": "public", "name": "n", "code": "A1", "colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_pool_is_named(shop: Shop, body: dict[str, Any], pointer: str):
    await shop.publish("party", amount_off())

    answer = await shop.ask("POST", POOLS, body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_unknown_coupon_names_the_nearest(shop: Shop):
    await shop.publish("party", amount_off())

    answer = await shop.ask("POST", POOLS, {"coupon": "parti", "kind": "imported", "name": "n"})

    assert "did you mean party?" in answer.json()["errors"][0]["detail"]


async def test_codes_of_a_pool_are_secrets(shop: Shop):
    await shop.publish("party", amount_off())
    opened = await shop.post(POOLS, generated(3), status=201)

    shop.staff = staff("loyalty:read")

    assert (await shop.ask("GET", f"{POOLS}/{opened['id']}")).status_code == 200
    assert (await shop.ask("GET", f"{POOLS}/{opened['id']}/codes")).status_code == 403
    assert (await shop.ask("POST", POOLS, generated(3))).status_code == 403


@pytest.mark.parametrize("query", ["?coupon=%00", "?coupon=" + "x" * 65, "?cursor=nonsense", "?limit=0", "?colour=red"])
async def test_a_bad_query_is_named(shop: Shop, query: str):
    assert (await shop.ask("GET", POOLS + query)).status_code == 422


async def test_what_staff_does_with_codes_is_audited(shop: Shop):
    await shop.public_code("PARTY24", amount_off())
    (row,) = (await shop.ask("GET", POOLS)).json()["items"]
    (code,) = await codes_of(shop, row["id"])
    await shop.post(f"/v1/loyalty/coupon-codes/{code['id']}/withdraw", {})
    await shop.post(f"{POOLS}/{row['id']}/withdraw", {})

    async with shop.house.db.transaction() as tx:
        rows = await tx.all("SELECT actor, action FROM audit WHERE action LIKE 'coupon_%' ORDER BY id")

    assert [tuple(row) for row in rows] == [
        ("staff:staff-1", "coupon_pool.public"),
        ("staff:staff-1", "coupon_code.withdrawn"),
        ("staff:staff-1", "coupon_pool.withdrawn"),
    ]


async def test_unknown_pools_and_codes_are_404(shop: Shop):
    for method, path, body in (
        ("GET", f"{POOLS}/{uuid7()}", None),
        ("GET", f"{POOLS}/{uuid7()}/codes", None),
        ("POST", f"{POOLS}/{uuid7()}/codes", {"codes": ["a"]}),
        ("POST", f"{POOLS}/{uuid7()}/withdraw", {}),
        ("POST", f"/v1/loyalty/coupon-codes/{uuid7()}/withdraw", {}),
    ):
        assert (await shop.ask(method, path, body)).status_code == 404, path


async def test_a_draft_can_be_tried_on_baskets_before_it_is_published(shop: Shop):
    answer = await shop.post("/v1/loyalty/coupons/preview", {"document": amount_off(30_000)})

    found = str(answer)
    assert "'goods_minor': 5000" in found
    assert "'goods_minor': 30000" in found


async def test_a_new_installation_has_a_coupon(shop: Shop):
    answer = await shop.ask("GET", "/v1/loyalty/coupons/twenty-off")

    assert answer.status_code == 200
    assert answer.json()["document"]["names"]["zh-CN"] == "满100减20"
