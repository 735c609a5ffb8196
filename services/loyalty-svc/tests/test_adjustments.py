"""Corrections by staff: a reason always, a second person above the limit, never more than there is."""

import asyncio
from uuid import UUID

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, key, staff
from moat.kit.testing.web import client_for

from .bank import Bank
from .builders import a_customer, merged
from .house import House

LI_MING, HAN_MEI = staff("loyalty:write", "loyalty:read", id="li"), staff("loyalty:write", "loyalty:read", id="han")


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def post(house: House, path: str, body: dict, headers: dict[str, str] = LI_MING):
    async with client_for(SERVICE, house.db, house.clock) as http:
        return await http.post(path, json=body, headers=headers)


async def a_member(bank: Bank, points: int = 100) -> UUID:
    li = uuid7()
    await bank.house.learn(a_customer(li))
    await bank.give(li, points)
    return li


def of(who: UUID) -> str:
    return f"/v1/customers/{who}/loyalty/adjustments"


async def test_a_small_correction_is_booked_at_once_with_its_reason(bank: Bank):
    li = await a_member(bank)

    given = await post(bank.house, of(li), {"amount": 50, "reason": "the parcel came late"})
    taken = await post(bank.house, of(li), {"amount": -120, "reason": "given twice"})

    assert (given.status_code, given.json()["status"], given.json()["reason"]) == (
        201,
        "booked",
        "the parcel came late",
    )
    assert taken.json()["status"] == "booked"
    assert await bank.holds_of(li) == (30, 0, 0)
    assert await bank.lots_of(li) == [30]
    said = [
        (data["direction"], data["amount"], data["reason"]) for _, _, data in await bank.house.said("points.adjusted")
    ]
    assert said == [("given", 50, "staff.adjusted"), ("taken", 120, "staff.adjusted")]
    audit = await bank.house.audit()
    assert (audit.totals["points"]["adjusted"], audit.violations) == (-70, [])


async def test_a_large_correction_waits_for_somebody_else(bank: Bank):
    li = await a_member(bank)
    asked = (await post(bank.house, of(li), {"amount": 1001, "reason": "a broken promise"})).json()
    assert (asked["status"], asked["allowed_actions"]) == ("waiting", ["approve", "refuse"])
    assert await bank.holds_of(li) == (100, 0, 0)
    path = f"/v1/loyalty/adjustments/{asked['id']}"

    own = await post(bank.house, f"{path}/approve", {})
    other = await post(bank.house, f"{path}/approve", {"note": "yes"}, HAN_MEI)
    again = await post(bank.house, f"{path}/refuse", {}, HAN_MEI)

    assert (own.status_code, own.json()["code"]) == (403, "points.second-person-needed")
    assert (other.json()["status"], other.json()["decided_by"], other.json()["note"]) == ("booked", "staff:han", "yes")
    assert (again.status_code, again.json()["code"]) == (409, "points.adjustment-decided")
    assert await bank.holds_of(li) == (1101, 0, 0)


async def test_two_who_approve_at_once_book_once(bank: Bank):
    li = await a_member(bank)
    asked = (await post(bank.house, of(li), {"amount": 5000, "reason": "a broken promise"})).json()
    path = f"/v1/loyalty/adjustments/{asked['id']}/approve"

    answers = await asyncio.gather(
        *[post(bank.house, path, {}, staff("loyalty:write", id=f"manager-{number}")) for number in range(5)]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await bank.holds_of(li) == (5100, 0, 0)


async def test_nobody_takes_more_than_there_is(bank: Bank):
    li = await a_member(bank)

    refused = await post(bank.house, of(li), {"amount": -101, "reason": "given twice"})

    assert (refused.status_code, refused.json()["code"]) == (409, "points.insufficient")
    assert (refused.json()["available"], refused.json()["requested"]) == (100, 101)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": 0, "reason": "nothing"}, "/amount"),
        ({"amount": 10**12 + 1, "reason": "much"}, "/amount"),
        ({"amount": 1.5, "reason": "half"}, "/amount"),
        ({"amount": 1}, "/reason"),
        ({"amount": 1, "reason": "why", "colour": "red"}, "/colour"),
    ],
)
async def test_a_bad_correction_is_named(bank: Bank, body: dict, pointer: str):
    li = await a_member(bank)

    answer = await post(bank.house, of(li), body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("type_", "code"), [("growth", "points.not-spendable"), ("stars", "points.unknown-account-type")]
)
async def test_only_what_can_be_spent_is_corrected(bank: Bank, type_: str, code: str):
    li = await a_member(bank)

    answer = await post(bank.house, of(li), {"amount": 1, "reason": "why", "account_type": type_})

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_repeated_request_has_one_effect(bank: Bank):
    li = await a_member(bank)
    headers = LI_MING | {"Idempotency-Key": "once"}

    answers = [await post(bank.house, of(li), {"amount": 5, "reason": "why"}, headers) for _ in range(3)]

    assert len({answer.text for answer in answers}) == 1
    assert await bank.holds_of(li) == (105, 0, 0)


async def test_what_waits_moves_with_its_customer_and_is_listed(bank: Bank):
    li, wang = await a_member(bank), await a_member(bank)
    await post(bank.house, of(li), {"amount": 5000, "reason": "a broken promise"})

    await bank.house.learn(merged(li, wang))

    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        waiting = (await http.get("/v1/loyalty/adjustments?status=waiting", headers=LI_MING)).json()["items"]
        his = (await http.get(of(wang), headers=LI_MING)).json()["items"]
    assert [one["customer_id"] for one in waiting] == [str(wang)]
    assert his == waiting


async def test_customers_and_readers_correct_nothing(bank: Bank):
    li = await a_member(bank)
    asked = (await post(bank.house, of(li), {"amount": 5000, "reason": "a broken promise"})).json()

    for path in (of(li), f"/v1/loyalty/adjustments/{asked['id']}/approve"):
        for headers in (customer(li), staff("loyalty:read", id="other"), key("customers:read")):
            assert (await post(bank.house, path, {}, headers)).status_code == 403
