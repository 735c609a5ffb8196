"""The HTTP doors of holds: a shop puts points aside, and each kind of caller does what he may."""

from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, key, staff
from moat.kit.testing.web import client_for

from .bank import Bank
from .builders import a_customer, merged
from .house import House

SHOP = key("loyalty:write", "loyalty:read")


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def send(bank: Bank, path: str, body: dict | None = None, headers: dict[str, str] = SHOP):
    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        if body is None:
            return await http.get(path, headers=headers)
        return await http.post(path, json=body, headers=headers)


async def a_member(bank: Bank) -> UUID:
    li = uuid7()
    await bank.house.learn(a_customer(li))
    await bank.give(li, 100)
    return li


def of(who: UUID, rest: str = "") -> str:
    return f"/v1/customers/{who}/loyalty/holds{rest}"


ASIDE = {"amount": 30, "seconds": 600, "reason": "checkout", "order_id": "o-1"}


async def test_a_shop_holds_confirms_in_part_and_reads_it(bank: Bank):
    li = await a_member(bank)

    made = await send(bank, of(li), ASIDE)
    confirmed = await send(bank, of(li, f"/{made.json()['id']}/confirm"), {"amount": 20})
    listed = (await send(bank, of(li), headers=customer(li))).json()["items"]
    postings = (await send(bank, f"/v1/customers/{li}/loyalty/postings")).json()["items"]

    assert (made.status_code, made.json()["status"], made.json()["allowed_actions"]) == (
        201,
        "held",
        ["confirm", "release"],
    )
    assert (confirmed.json()["confirmed"], confirmed.json()["status"]) == (20, "confirmed")
    assert listed == [confirmed.json()]
    assert (postings[0]["kind"], postings[0]["amount"], postings[0]["cause"]["order_id"]) == ("spent", -20, "o-1")


async def test_refusals_say_what_is_wrong(bank: Bank):
    li, wang = await a_member(bank), await a_member(bank)
    hold = (await send(bank, of(li), ASIDE)).json()["id"]

    much = await send(bank, of(li), ASIDE | {"amount": 71})
    more = await send(bank, of(li, f"/{hold}/confirm"), {"amount": 31})
    foreign = await send(bank, of(wang, f"/{hold}/confirm"), {})
    await send(bank, of(li, f"/{hold}/release"), {})
    closed = await send(bank, of(li, f"/{hold}/confirm"), {})
    growth = await send(bank, of(li), ASIDE | {"account_type": "growth"})

    assert (much.status_code, much.json()["available"], much.json()["requested"]) == (409, 70, 71)
    assert (more.status_code, more.json()["held"]) == (409, 30)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "points.unknown-hold")
    assert (closed.status_code, closed.json()["code"], closed.json()["hold_status"]) == (
        409,
        "points.hold-closed",
        "released",
    )
    assert (growth.status_code, growth.json()["code"]) == (422, "points.not-spendable")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": 0}, "/amount"),
        ({"amount": -5}, "/amount"),
        ({"amount": 10**12 + 1}, "/amount"),
        ({"seconds": 0}, "/seconds"),
        ({"reason": "Frau Müller"}, "/reason"),
    ],
)
async def test_a_bad_hold_is_named(bank: Bank, change: dict, pointer: str):
    answer = await send(bank, of(await a_member(bank)), ASIDE | change)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_repeated_request_holds_once(bank: Bank):
    li = await a_member(bank)
    headers = SHOP | {"Idempotency-Key": "basket-1"}

    answers = [await send(bank, of(li), ASIDE, headers) for _ in range(3)]

    assert len({answer.text for answer in answers}) == 1
    assert await bank.holds_of(li) == (70, 0, 30)


async def test_a_hold_is_confirmed_under_the_name_its_customer_had(bank: Bank):
    li, wang = await a_member(bank), await a_member(bank)
    hold = (await send(bank, of(li), ASIDE)).json()["id"]
    await bank.house.learn(merged(li, wang))

    answer = await send(bank, of(li, f"/{hold}/confirm"), {})

    assert answer.json()["confirmed"] == 30
    assert await bank.holds_of(wang) == (170, 0, 0)


async def test_who_may_do_what(bank: Bank):
    li, wang = await a_member(bank), await a_member(bank)
    hold = (await send(bank, of(li), ASIDE)).json()["id"]

    for path in (of(li), of(li, f"/{hold}/confirm"), of(li, f"/{hold}/release")):
        assert (await send(bank, path, ASIDE, customer(li))).status_code == 403
        assert (await send(bank, path, ASIDE, customer(wang))).status_code == 404
        assert (await send(bank, path, ASIDE, staff("loyalty:read"))).status_code == 403
    assert (await send(bank, of(li), headers=customer(li))).status_code == 200
    assert (await send(bank, of(li), headers=customer(wang))).status_code == 404


async def test_row_level_security_shows_no_foreign_lot_or_hold(bank: Bank):
    li, wang = await a_member(bank), await a_member(bank)
    for who in (li, wang):
        await bank.hold(who, 10)

    for table in ("lot", "hold"):
        async with bank.house.db.transaction(customer=li) as tx:
            owners = set((await tx.execute(f"SELECT customer_id FROM {table}")).scalars())
        assert owners == {li}, table
    for table in ("adjustment", "expiry_warning"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with bank.house.db.transaction(customer=li) as tx:
                await tx.execute(f"SELECT customer_id FROM {table}")
