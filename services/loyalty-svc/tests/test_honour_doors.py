"""The doors of honours: who may see, give and take back, and what is refused."""

import asyncio

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .hall_of_honour import Hall, an_honour, where
from .house import House


@pytest.fixture
def hall(house: House) -> Hall:
    return Hall(house)


async def test_a_member_sees_what_he_holds_in_his_language_and_nothing_of_the_reasons(hall: Hall):
    li, wang = await hall.member(), await hall.member()
    await hall.given(li)
    await hall.withdraw(li, await hall.given(li, "advocate"))
    path = f"/v1/customers/{li}/loyalty/honours"

    async with client_for(SERVICE, hall.house.db, hall.house.clock) as http:
        own = await http.get(path, headers=customer(li) | {"Accept-Language": "zh-CN"})
        foreign = await http.get(path, headers=customer(wang))
        nobody = await http.get(path)
        no_scope = await http.get(path, headers=staff("tickets:read"))
        gives = await http.post(path, json={"honour": "advocate", "reason": "me"}, headers=customer(li))
        kinds = await http.get("/v1/loyalty/honours", headers=customer(li))
        holders = await http.get("/v1/loyalty/honours/star-customer/holders", headers=customer(li))
        reader = await http.post(path, json={"honour": "advocate", "reason": "me"}, headers=staff("loyalty:read"))

    (one,) = own.json()["items"]
    assert (one["honour"], one["name"], one["stands"]) == ("star-customer", "明星客户", True)
    assert one["told"] == "感谢您一路相伴，您是我们的明星客户。"
    assert [one[name] for name in ("reason", "given_by", "rule_may_give")] == [None, None, None]
    assert one["allowed_actions"] == []
    refused = (foreign, nobody, no_scope, gives, kinds, holders, reader)
    assert [answer.status_code for answer in refused] == [404, 401, 403, 403, 403, 403, 403]


async def test_the_three_that_ship_are_given_by_hand_only(hall: Hall):
    page = (await hall.shop.ask("GET", "/v1/loyalty/honours")).json()

    assert {one["code"]: one["document"].get("condition") for one in page["items"]} == {
        "advocate": None,
        "co-creator": None,
        "star-customer": None,
    }
    assert all(set(one["document"]["told"]) == {"zh-CN", "en"} for one in page["items"])


async def test_an_unknown_honour_is_refused_with_the_nearest(hall: Hall):
    li = await hall.member()

    answer = await hall.give(li, "star-custmer")

    assert (answer.status_code, answer.json()["code"]) == (422, "honours.unknown")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/honour"
    assert "star-customer" in error["detail"]


async def test_a_rule_on_unknown_fields_is_refused_with_a_pointer_and_the_nearest(hall: Hall):
    draft = {"code": "kindred", "document": an_honour(where("grwth", ">", 1))}

    answer = await hall.shop.ask("POST", "/v1/loyalty/honours", draft)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/document/condition/rules/0/field"
    assert "growth" in error["detail"]


async def test_a_rule_that_fits_everybody_asks_to_be_confirmed(hall: Hall):
    everybody = an_honour({"combinator": "and", "rules": []})
    draft = await hall.shop.ask("POST", "/v1/loyalty/honours", {"code": "all", "document": everybody})

    answer = await hall.shop.ask("POST", "/v1/loyalty/honours/all/publish", {}, **{"If-Match": draft.headers["ETag"]})

    assert answer.status_code == 409
    assert [one["code"] for one in answer.json()["doubts"]] == ["honours.for-everybody"]


async def test_bad_input_names_the_field(hall: Hall):
    li = await hall.member()
    path = f"/v1/customers/{li}/loyalty/honours"

    past = await hall.give(li, valid_until="2020-01-01T00:00:00Z")
    nothing = await hall.shop.ask("POST", path, {"honour": "star-customer"})
    unknown = await hall.withdraw(li, str(uuid7()))
    others = await hall.withdraw(await hall.member(), await hall.given(li))

    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "/valid_until")
    assert (nothing.status_code, nothing.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert [(one.status_code, one.json()["code"]) for one in (unknown, others)] == [
        (404, "honours.unknown-holding")
    ] * 2


async def test_the_same_key_gives_once_and_two_keys_are_one_and_a_refusal(hall: Hall):
    li = await hall.member()
    path, body = f"/v1/customers/{li}/loyalty/honours", {"honour": "advocate", "reason": "she told everybody"}

    same = await asyncio.gather(*[hall.shop.ask("POST", path, body, **{"Idempotency-Key": "k"}) for _ in range(6)])
    other = await hall.shop.ask("POST", path, body, **{"Idempotency-Key": "l"})

    assert {answer.status_code for answer in same} == {201}
    assert len({answer.json()["id"] for answer in same}) == 1
    assert other.status_code == 409


async def test_holders_and_histories_are_paged(hall: Hall):
    members = [await hall.member() for _ in range(3)]
    for who in members:
        await hall.withdraw(who, await hall.given(who))
        await hall.given(who)
    path = "/v1/loyalty/honours/star-customer/holders?limit=2"

    first = (await hall.shop.ask("GET", path)).json()
    rest = (await hall.shop.ask("GET", f"{path}&cursor={first['next_cursor']}")).json()
    history = f"/v1/customers/{members[0]}/loyalty/honours?limit=1"
    latest = (await hall.shop.ask("GET", history)).json()
    older = (await hall.shop.ask("GET", f"{history}&cursor={latest['next_cursor']}")).json()

    assert [one["customer_id"] for one in first["items"] + rest["items"]] == [str(who) for who in reversed(members)]
    assert rest["next_cursor"] is None
    assert [one["stands"] for one in latest["items"] + older["items"]] == [True, False]
