"""A type of points can go when nothing gives or counts it any more; what members hold of it goes on."""

from typing import Any

import httpx
import pytest

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.checkout.payment import PAYMENTS
from loyalty_svc.clubs.club import CLUBS
from loyalty_svc.earning.rules import RULES
from loyalty_svc.features import SERVICE
from loyalty_svc.milestones.plans import MILESTONES
from loyalty_svc.referrals.programme import CODE as REFERRAL
from loyalty_svc.referrals.programme import REFERRALS
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.surprises.surprise import SURPRISES
from loyalty_svc.tasks.plans import TASKS
from moat.kit.documents import DocumentKind
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .bank import Bank
from .builders import a_customer, at, paid
from .club_rooms import a_club, by_value
from .house import House
from .lottery import a_surprise
from .reward_shop import a_reward
from .rulebook import a_rule, end, fixed, put_in_force
from .task_plans import a_task

MANAGER = staff("loyalty:read", "loyalty:write")
NAMES = {"zh-CN": "印花", "en": "Stamps"}
STAMPS: dict[str, Any] = {"names": NAMES, "units": NAMES, "spendable": True}
TYPES = "/v1/loyalty/account-types"
FIVE = {"account_type": "stamps", "points": 5}
CLUB = by_value(10, kind="growth")
CLUB["by_value"]["value"]["account_type"] = "stamps"
NAMING: dict[str, tuple[DocumentKind[Any, Any], dict[str, Any]]] = {
    "rule": (RULES, a_rule(fixed(5), credits=["stamps"])),
    "mug": (REWARDS, a_reward(5) | {"price": FIVE}),
    "third-order": (
        MILESTONES,
        {"names": NAMES, "trigger": {"kind": "nth_order", "n": 3}, "gift": FIVE | {"kind": "points"}},
    ),
    "three-orders": (TASKS, a_task(reward=FIVE | {"kind": "points"})),
    REFERRAL: (REFERRALS, {"names": NAMES, "order_least_minor": {"CNY": 100}, "referrer": FIVE, "friend": None}),
    "in-yuan": (
        PAYMENTS,
        {"names": NAMES, "account_type": "stamps", "currency": "CNY", "step_points": 1, "step_minor": 1},
    ),
    "luck": (SURPRISES, a_surprise() | {"gift": {"points": FIVE}}),
    "circle": (CLUBS, a_club(**CLUB)),
}


async def retire(house: House, code: str) -> httpx.Response:
    async with client_for(SERVICE, house.db, house.clock) as http:
        match = {"If-Match": (await http.get(f"{TYPES}/{code}", headers=MANAGER)).headers["ETag"]}
        return await http.post(f"{TYPES}/{code}/retire", json={}, headers=MANAGER | match)


@pytest.mark.parametrize(
    ("code", "some"),
    [
        ("growth", {"tier_plan/tiers@1", "programme/programme@1"}),
        ("points", {"programme/programme@1", f"referral_programme/{REFERRAL}@1", "reward/canvas-bag@1"}),
    ],
)
async def test_what_the_programme_gives_and_the_tiers_count_stays(house: House, code: str, some: set[str]):
    answer = await retire(house, code)

    assert (answer.status_code, answer.json()["code"]) == (409, "points.account-type-named")
    assert some <= set(answer.json()["named_by"])


@pytest.mark.parametrize("name", list(NAMING))
async def test_any_document_that_judges_holds_the_type_it_names(house: House, name: str):
    kind, document = NAMING[name]
    await put_in_force(house, "stamps", STAMPS, kind=ACCOUNT_TYPES)
    await put_in_force(house, name, document, kind=kind, begins=house.clock.now())

    refused = await retire(house, "stamps")
    await end(house, name, kind)

    assert [one.rpartition("@")[0] for one in refused.json()["named_by"]] == [f"{kind.name}/{name}"]
    assert (await retire(house, "stamps")).status_code == 200


async def test_a_version_that_judges_until_the_next_begins_holds_it_too(house: House):
    await put_in_force(house, "stamps", STAMPS, kind=ACCOUNT_TYPES)
    await put_in_force(house, "rule", a_rule(fixed(5), credits=["stamps"]))
    await put_in_force(house, "rule", a_rule(fixed(5), credits=["points"]), begins=at(110))

    assert (await retire(house, "stamps")).json()["named_by"] == ["earning_rule/rule@1"]


async def test_what_members_hold_of_a_retired_type_goes_on_and_nothing_new_names_it(house: House):
    bank, li = Bank(house), uuid7()
    await house.learn(a_customer(li))
    await put_in_force(house, "stamps", STAMPS, kind=ACCOUNT_TYPES)
    await put_in_force(house, "stamps", STAMPS | {"debt": "write_off"}, kind=ACCOUNT_TYPES, begins=at(99))
    await put_in_force(house, "rule", a_rule(fixed(5), credits=["stamps"]))
    await end(house, "rule")

    assert (await retire(house, "stamps")).status_code == 200
    await house.learn(paid(li, 100, day=90))
    await bank.spend(li, 2, "stamps")

    assert await bank.holds_of(li, "stamps") == (3, 0, 0)
    async with client_for(SERVICE, house.db, house.clock) as http:
        document = a_task(reward=FIVE | {"kind": "points"})
        draft = await http.post("/v1/loyalty/tasks", json={"code": "t", "document": document}, headers=MANAGER)
        match = MANAGER | {"If-Match": draft.headers["ETag"]}
        refused = await http.post("/v1/loyalty/tasks/t/publish", json={}, headers=match)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/reward/account_type")
    assert await bank.violations() == []
