"""Account types are documents: other points beside the two, with their own expiry, debt and names."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.account_types import usecases
from loyalty_svc.account_types.timers import timers
from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for
from moat.kit.timers.runner import fire

from .bank import Bank
from .builders import a_customer, paid
from .house import House
from .rulebook import a_rule, fixed, put_in_force

(WRITE_OFF,) = timers.kinds
MANAGER = staff("loyalty:read", "loyalty:write")
STAMPS = {"names": {"zh-CN": "印花", "en": "Stamps"}, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def publish(bank: Bank, code: str, document: dict, **body: Any):
    path = "/v1/loyalty/account-types"
    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        draft = await http.post(path, json={"code": code, "document": document}, headers=MANAGER)
        assert draft.status_code == 201, draft.text
        match = {"If-Match": draft.headers["ETag"]}
        return await http.post(f"{path}/{code}/publish", json=body, headers=MANAGER | match)


async def test_a_new_type_has_accounts_beside_the_others(bank: Bank):
    li = uuid7()
    await bank.house.learn(a_customer(li), paid(li, 5_000))
    assert (await publish(bank, "stamps", STAMPS)).status_code == 200

    await bank.give(li, 10, type="stamps")
    await bank.spend(li, 4, "stamps")

    assert await bank.holds_of(li, "stamps") == (6, 0, 0)
    assert await bank.holds_of(li) == (50, 0, 0)
    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        path = f"/v1/customers/{li}/loyalty/accounts"
        shown = (await http.get(path, headers=customer(li) | {"Accept-Language": "en"})).json()
    assert [(one["type"], one["name"], one["unit"], one["available"]) for one in shown["accounts"]] == [
        ("points", "Points", "points", 50),
        ("stamps", "Stamps", "stamps", 6),
        ("growth", "Growth value", "growth", 50),
    ]
    assert await bank.violations() == []


@pytest.mark.parametrize("list_", ["postings", "lots"])
async def test_any_type_that_there_is_has_lists_and_no_other(bank: Bank, list_: str):
    li = uuid7()
    await bank.house.learn(a_customer(li))
    await publish(bank, "stamps", STAMPS)
    await bank.give(li, 10, type="stamps")
    path = f"/v1/customers/{li}/loyalty/{list_}?account_type="

    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        known = await http.get(path + "stamps", headers=customer(li))
        unknown = await http.get(path + "stars", headers=customer(li))

    assert [one["amount"] for one in known.json()["items"]] == [10]
    assert (unknown.status_code, unknown.json()["code"]) == (422, "points.unknown-account-type")


async def test_a_debt_is_carried_by_points_and_written_off_where_the_type_says_so(bank: Bank):
    li = uuid7()
    await publish(bank, "stamps", STAMPS | {"debt": "write_off"})
    gifts = {type_: await bank.give(li, 10, type=type_) for type_ in ("points", "stamps")}
    for type_, cause in gifts.items():
        await bank.spend(li, 7, type_)
        await bank.take_back(cause)

    assert await bank.holds_of(li) == (-7, 0, 0)
    assert await bank.holds_of(li, "stamps") == (0, 0, 0)
    async with bank.house.db.transaction() as tx:
        lost = await tx.scalar("SELECT -sum(amount) FROM leg WHERE programme = 'loss'")
    assert lost == 7
    (told,) = await bank.house.said("points.adjusted")
    assert (told[2]["account_type"], told[2]["amount"], told[2]["reason"]) == ("stamps", 7, "debt.written_off")
    assert await bank.violations() == []


async def test_activity_keeps_points_alive_where_they_expire_by_inactivity(bank: Bank):
    li = uuid7()
    await publish(bank, "stamps", STAMPS | {"expiry": {"kind": "inactivity", "days": 90}})
    await bank.give(li, 10, type="stamps", ago=80)
    await bank.give(li, 1, type="stamps", ago=0)
    await bank.sweep()

    await bank.pass_time(days=89)
    await bank.sweep()
    assert await bank.holds_of(li, "stamps") == (11, 0, 0)
    await bank.pass_time(days=1)
    await bank.sweep()

    assert await bank.holds_of(li, "stamps") == (0, 0, 0)
    assert await bank.violations() == []


async def test_points_keep_the_expiry_of_the_version_that_was_valid_when_they_were_earned(bank: Bank):
    li = uuid7()
    await bank.give(li, 10)
    points = STAMPS | {"expiry": {"kind": "rolling", "days": 5}}
    bank.house.clock.advance(timedelta(minutes=1))
    await publish(bank, "points", points)
    bank.house.clock.advance(timedelta(minutes=1))

    await bank.give(li, 20)
    await bank.give(li, 30, ago=100)
    await bank.pass_time(days=6)
    await bank.sweep()

    assert await bank.lots_of(li) == [30, 10]
    assert await bank.violations() == []


async def test_a_version_for_later_changes_nothing_before_its_time(bank: Bank):
    li = uuid7()
    await bank.house.learn(a_customer(li))
    await publish(bank, "stamps", STAMPS | {"approval_above": 50, "debt": "carry"})
    bank.house.clock.advance(timedelta(minutes=1))
    begins = bank.now + timedelta(minutes=10)
    later = STAMPS | {"approval_above": 10_000, "debt": "write_off", "names": {"zh-CN": "贴纸", "en": "Stickers"}}
    assert (await publish(bank, "stamps", later, valid_from=begins.isoformat())).status_code == 200

    before = await correct_and_look(bank, li)
    cause = await bank.give(li, 10, type="stamps")
    await bank.spend(li, 7, "stamps")
    await bank.take_back(cause)
    owed = await bank.holds_of(li, "stamps")
    bank.house.clock.advance(timedelta(minutes=10))

    assert (before, owed) == (("waiting", "Stamps"), (-7, 0, 0))
    assert await correct_and_look(bank, li) == ("booked", "Stickers")


async def correct_and_look(bank: Bank, who: UUID) -> tuple[str, str]:
    """(what becomes of a correction by 5,000 stamps, how their account is called)."""
    path = f"/v1/customers/{who}/loyalty"
    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        body = {"account_type": "stamps", "amount": 5_000, "reason": "miscounted"}
        corrected = (await http.post(f"{path}/adjustments", json=body, headers=MANAGER)).json()
        shown = (await http.get(f"{path}/accounts", headers=MANAGER | {"Accept-Language": "en"})).json()
    return corrected["status"], next(one["name"] for one in shown["accounts"] if one["type"] == "stamps")


async def test_what_one_award_gave_in_two_types_expires_in_both(bank: Bank):
    li = uuid7()
    for code in ("stamps", "stars"):
        rolling = STAMPS | {"expiry": {"kind": "rolling", "days": 5}}
        await put_in_force(bank.house, code, rolling, kind=ACCOUNT_TYPES)
    await put_in_force(bank.house, "both", a_rule(fixed(5), credits=["stamps", "stars"]))
    await bank.house.learn(a_customer(li), paid(li, 100, day=98))

    bank.house.clock.advance(timedelta(days=10))
    await bank.sweep()

    assert await bank.holds_of(li, "stamps") == await bank.holds_of(li, "stars") == (0, 0, 0)
    assert await bank.violations() == []


async def test_whether_points_can_be_spent_never_changes(bank: Bank):
    answer = await publish(bank, "growth", STAMPS)

    assert (answer.status_code, answer.json()["code"]) == (409, "points.spendable-stays")


async def test_lots_are_listed_as_they_expire_for_their_customer_only(bank: Bank):
    li, wang = uuid7(), uuid7()
    await bank.house.learn(a_customer(li), a_customer(wang))
    for ago, points in ((3, 30), (9, 90), (1, 10)):
        await bank.give(li, points, ago=ago)
    await bank.give(li, 5, pending=timedelta(days=2))
    path = f"/v1/customers/{li}/loyalty/lots"

    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        first = (await http.get(path + "?limit=3", headers=customer(li))).json()
        rest = (await http.get(path + f"?limit=3&cursor={first['next_cursor']}", headers=MANAGER)).json()
        foreign = await http.get(path, headers=customer(wang))

    assert [(lot["remaining"], lot["status"]) for lot in first["items"] + rest["items"]] == [
        (90, "available"),
        (30, "available"),
        (10, "available"),
        (5, "pending"),
    ]
    assert rest["next_cursor"] is None
    assert foreign.status_code == 404


async def test_an_account_says_what_expires_soon_and_what_is_owed(bank: Bank):
    li = uuid7()
    await bank.house.learn(a_customer(li))
    cause = await bank.give(li, 40)
    await bank.give(li, 100, ago=705)
    await bank.spend(li, 120)

    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        before = (await http.get(f"/v1/customers/{li}/loyalty/accounts", headers=MANAGER)).json()["accounts"][0]
        await bank.take_back(cause)
        after = (await http.get(f"/v1/customers/{li}/loyalty/accounts", headers=MANAGER)).json()["accounts"][0]

    assert (before["expiring"], before["available"]) == (None, 20)
    assert (after["available"], after["debt"]) == (-20, 20)


async def test_the_worked_example_of_the_handbook_is_true(bank: Bank):
    page = (Path(__file__).parents[3] / "docs/handbook/points-and-accounts.md").read_text(encoding="utf-8")
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    li = uuid7()
    await bank.house.learn(a_customer(li))
    assert (await publish(bank, example["code"], example["document"])).status_code == 200

    await bank.give(li, 10, type="stamps")

    async with client_for(SERVICE, bank.house.db, bank.house.clock) as http:
        lots = (await http.get(f"/v1/customers/{li}/loyalty/lots?account_type=stamps", headers=MANAGER)).json()
        path = f"/v1/customers/{li}/loyalty/adjustments"
        statuses = [
            (
                await http.post(
                    path, json={"account_type": "stamps", "amount": amount, "reason": "miscounted"}, headers=MANAGER
                )
            ).json()["status"]
            for amount in (50, 51)
        ]
    assert [lot["expires_at"] for lot in lots["items"]] == ["2027-04-10T16:00:00Z"]
    assert statuses == ["booked", "waiting"]


@pytest.mark.parametrize("days", [0, 3])
async def test_debts_from_before_are_written_off_when_a_version_begins_that_says_so(
    bank: Bank, days: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(usecases, "SLICE", 2)
    members = [uuid7() for _ in range(5)]
    await publish(bank, "stamps", STAMPS)
    for who in members[:-1]:
        cause = await bank.give(who, 10, type="stamps")
        await bank.spend(who, 7, "stamps")
        await bank.take_back(cause)
    await bank.give(members[-1], 10, type="stamps")
    bank.house.clock.advance(timedelta(minutes=1))

    begins = bank.now + timedelta(days=days)
    assert (
        await publish(bank, "stamps", STAMPS | {"debt": "write_off"}, valid_from=begins.isoformat())
    ).status_code == 200
    owed = [await bank.holds_of(who, "stamps") for who in members]
    while_it_waits = await bank.violations()
    bank.house.clock.advance(timedelta(days=days, minutes=2))
    assert await bank.violations() == []
    while await fire(SERVICE, WRITE_OFF, bank.house.db, bank.house.clock):
        bank.house.clock.advance(timedelta(minutes=1))

    assert (owed, while_it_waits) == ([(-7, 0, 0)] * 4 + [(10, 0, 0)], [])
    assert [await bank.holds_of(who, "stamps") for who in members] == [(0, 0, 0)] * 4 + [(10, 0, 0)]
    told = [(who, data["amount"], data["reason"]) for _, who, data in await bank.house.said("points.adjusted")]
    assert sorted(told) == sorted((who, 7, "debt.written_off") for who in members[:-1])
    assert await bank.violations() == []
