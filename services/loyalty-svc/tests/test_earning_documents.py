"""The door of rules and programme: drafts, doubts, what they refer to, and what comes of publishing."""

import asyncio
from typing import Any

import httpx
import pytest

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import at, paid
from .house import House
from .rulebook import PER_UNIT, SHARED, a_rule, at_most, end, fixed, put_in_force, share, times, where

MANAGER = staff("loyalty:read", "loyalty:write")
RULES, PROGRAMMES = "/v1/loyalty/earning-rules", "/v1/loyalty/programmes"
MONTH_END, QUARTER_END = {"kind": "end_of", "period": "month"}, {"kind": "end_of", "period": "quarter", "grace_days": 1}


@pytest.fixture
async def http(house: House):
    async with client_for(SERVICE, house.db, house.clock) as client:
        client.headers.update(MANAGER)
        yield client


async def publish(
    http: httpx.AsyncClient, document: dict[str, Any], code: str = "bonus", **body: Any
) -> httpx.Response:
    drafted = await http.post(RULES, json={"code": code, "document": document})
    if drafted.status_code != 201:
        return drafted
    return await http.post(f"{RULES}/{code}/publish", json=body, headers={"If-Match": drafted.headers["ETag"]})


async def test_the_starting_programme_is_there_as_version_1(http: httpx.AsyncClient):
    rule = (await http.get(f"{RULES}/order-points")).json()
    programme = (await http.get(f"{PROGRAMMES}/programme")).json()

    assert (rule["version"], rule["status"], rule["valid_from"]) == (1, "published", None)
    assert rule["document"]["award"]["points"] == 1
    assert (programme["document"]["currencies"], programme["document"]["credits"]) == (
        ["CNY", "USD", "GBP"],
        ["points", "growth"],
    )


async def test_what_is_published_judges_the_next_order(http: httpx.AsyncClient, house: House):
    li = uuid7()
    await publish(http, a_rule(fixed(7), condition=where("total_minor", ">=", 10_000)))
    new = paid(li, 10_000)
    new.time = house.clock.now()

    await house.learn(new, paid(li, 10_000))

    assert await house.points(li) == (207, 207, 0)


@pytest.mark.parametrize(
    ("document", "doubts"),
    [
        (a_rule({"kind": "rate", "points": 101}), ["earning.more-than-worth"]),
        (a_rule({"kind": "rate", "points": 101, "each": 2}), []),
        (a_rule({"kind": "rate", "points": 60}, by_tier={"gold": "2"}), ["earning.more-than-worth"]),
        (a_rule(fixed(500)), ["earning.more-than-worth"]),
        (a_rule(fixed(500), condition=where("total_minor", ">=", 500)), []),
        (a_rule(fixed(500), condition=where("total_minor", ">=", 499)), ["earning.more-than-worth"]),
        (a_rule(times("order-points", "10")), ["earning.more-than-worth"]),
        (a_rule(times("order-points", "3")), []),
        (a_rule(fixed(5), on="customer.activity_recorded"), ["earning.unlimited"]),
        (a_rule(fixed(5), on="customer.activity_recorded", limits=[at_most(5)]), []),
        (a_rule(fixed(5), on="customer.created"), []),
        (a_rule(pending_days=30), []),
        (a_rule(pending_days=30, expires=MONTH_END), ["earning.expires-while-pending"]),
        (a_rule(pending_days=28, expires=MONTH_END | {"periods_later": 1}), ["earning.expires-while-pending"]),
        (a_rule(pending_days=27, expires=MONTH_END | {"periods_later": 1}), []),
        (a_rule(pending_days=366, expires={"kind": "never"}), []),
    ],
)
async def test_a_rule_that_is_seldom_meant_asks_to_be_confirmed(
    http: httpx.AsyncClient, document: dict[str, Any], doubts: list[str]
):
    preview = (await http.post(f"{RULES}/preview", json={"document": document})).json()
    answer = await publish(http, document)

    assert [doubt["code"] for doubt in preview["doubts"]] == doubts
    if not doubts:
        assert answer.status_code == 200
        return
    assert (answer.status_code, [doubt["code"] for doubt in answer.json()["doubts"]]) == (409, doubts)
    tag = (await http.get(f"{RULES}/bonus")).headers["ETag"]
    meant = await http.post(f"{RULES}/bonus/publish", json={"confirm": doubts}, headers={"If-Match": tag})
    assert meant.status_code == 200


@pytest.mark.parametrize(
    ("document", "pointer", "told"),
    [
        (
            a_rule(condition=where("totl_minor", ">", 1)),
            "/document/condition/rules/0/field",
            "did you mean total_minor",
        ),
        (a_rule(fixed(1), condtion={}), "/document/condtion", "did you mean condition"),
        (a_rule({"kind": "rate", "pionts": 1}), "/document/award/pionts", "did you mean points"),
        (a_rule({"kind": "fixed"}), "/document/award/points", "required"),
        (a_rule({"kind": "rat"}), "/document/award", "names an unknown kind"),
        (a_rule(times("order-point", "2")), "/award/of", "did you mean order-points"),
        (a_rule(by_tier={"golden": "2"}), "/by_tier/golden", "did you mean gold"),
        (a_rule(credits=["point"]), "/credits/0", "did you mean points"),
        (a_rule(credits=["points", "growth", "points"]), "/credits/2", "points is there twice"),
        (a_rule(pending_days=30, expires={"kind": "rolling", "days": 10}), "/pending_days", "expire within 10 days"),
        (a_rule(pending_days=31, expires=MONTH_END), "/pending_days", "expire within 31 days"),
        (a_rule(pending_days=93, expires=QUARTER_END), "/pending_days", "expire within 93 days"),
        (a_rule(expires={"kind": "inactivity", "days": 30}), "/expires/kind", "the account type"),
    ],
)
async def test_what_a_rule_names_wrongly_is_said_with_its_place(
    http: httpx.AsyncClient, document: dict[str, Any], pointer: str, told: str
):
    answer = await publish(http, document)

    assert answer.status_code == 422, answer.text
    errors = {one["pointer"]: one["detail"] for one in answer.json()["errors"]}
    assert told in errors[pointer]


@pytest.mark.parametrize(
    ("award", "on", "pointer"),
    [(times("other", "2"), "order.paid", "/award/of"), (fixed(5), "customer.created", "/on")],
)
async def test_a_rule_that_others_are_on_top_of_stays_what_they_need(
    http: httpx.AsyncClient, house: House, award: dict[str, Any], on: str, pointer: str
):
    await put_in_force(house, "other", a_rule(fixed(1)))
    await put_in_force(house, "below", a_rule(fixed(1)))
    await put_in_force(house, "twice", a_rule(times("below", "2")))
    await put_in_force(house, "thrice", a_rule(times("below", "3")))
    await put_in_force(house, "over", a_rule(times("below", "2"), ends_at=at(1).isoformat()))

    refused = await publish(http, a_rule(award, on=on), "below")
    for code in ("twice", "thrice"):
        await end(house, code)
    tag = (await http.get(f"{RULES}/below")).headers["ETag"]
    allowed = await http.post(f"{RULES}/below/publish", json={}, headers={"If-Match": tag})

    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer] * 2)
    assert [one["detail"].split()[0] for one in refused.json()["errors"]] == ["thrice", "twice"]
    assert allowed.status_code == 200


async def test_a_rule_that_others_are_on_top_of_is_not_retired_before_them(http: httpx.AsyncClient, house: House):
    await put_in_force(house, "below", a_rule(fixed(1)))
    await put_in_force(house, "twice", a_rule(times("below", "2")))
    await put_in_force(house, "over", a_rule(times("below", "2"), ends_at=at(1).isoformat()))
    headers = {"If-Match": (await http.get(f"{RULES}/below")).headers["ETag"]}

    refused = await http.post(f"{RULES}/below/retire", headers=headers)
    await end(house, "twice")
    allowed = await http.post(f"{RULES}/below/retire", headers=headers)

    assert (refused.status_code, refused.json()["code"], refused.json()["rules"]) == (
        409,
        "earning.others-on-top",
        ["twice"],
    )
    assert allowed.status_code == 200


async def test_a_preview_says_what_will_forbid_to_publish(http: httpx.AsyncClient):
    document = a_rule(pending_days=10, expires={"kind": "rolling", "days": 10})

    answer = await http.post(f"{RULES}/preview", json={"document": document})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/document/pending_days")


@pytest.mark.parametrize(("credits", "doubts"), [(["stamps"], ["earning.expires-while-pending"]), (["points"], [])])
async def test_a_rule_whose_points_wait_longer_than_their_account_type_keeps_them_asks_to_be_confirmed(
    http: httpx.AsyncClient, house: House, credits: list[str], doubts: list[str]
):
    texts = {"zh-CN": "印花", "en": "Stamps"}
    stamps = {"names": texts, "units": texts, "spendable": True, "expiry": {"kind": "rolling", "days": 20}}
    await put_in_force(house, "stamps", stamps, kind=ACCOUNT_TYPES)

    document = a_rule(pending_days=20, credits=[*credits, "growth"])
    preview = (await http.post(f"{RULES}/preview", json={"document": document})).json()

    assert [doubt["code"] for doubt in preview["doubts"]] == doubts


async def test_there_is_one_programme(http: httpx.AsyncClient):
    answer = await http.post(PROGRAMMES, json={"code": "another", "document": SHARED})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/code")


async def test_a_programme_of_unknown_currency_or_zone_is_refused(http: httpx.AsyncClient):
    wrong = SHARED | {"currencies": ["CNY", "XXY"], "zone": "Asia/Shangai"}

    errors = (await http.post(PROGRAMMES, json={"code": "programme", "document": wrong})).json()["errors"]

    assert {one["pointer"] for one in errors} == {"/document/currencies", "/document/zone"}
    assert "did you mean Asia/Shanghai" in errors[1]["detail"]


async def test_a_programme_credits_each_account_type_once(http: httpx.AsyncClient):
    document = SHARED | {"credits": ["growth", "growth"]}
    tag = (await http.post(PROGRAMMES, json={"code": "programme", "document": document})).headers["ETag"]

    answer = await http.post(f"{PROGRAMMES}/programme/publish", json={}, headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/credits/1")


async def test_a_version_from_before_that_names_an_account_type_twice_credits_it_once(house: House):
    li = uuid7()
    await put_in_force(house, "twice", a_rule(fixed(5), credits=["points", "points"]))
    await share(house, credits=["points", "growth", "points"])

    await house.learn(paid(li, 10_000))

    assert await house.points(li) == (105, 105, 0)
    assert (await house.audit()).violations == []


async def test_two_managers_who_publish_a_rule_at_once(http: httpx.AsyncClient):
    tag = (await http.post(RULES, json={"code": "bonus", "document": a_rule(PER_UNIT)})).headers["ETag"]

    answers = await asyncio.gather(
        *[http.post(f"{RULES}/bonus/publish", json={}, headers={"If-Match": tag}) for _ in range(2)]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_preview_shows_what_a_few_orders_would_earn(http: httpx.AsyncClient):
    document = a_rule({"kind": "rate", "points": 2}, condition=where("total_minor", ">=", 10_000))

    would = (await http.post(f"{RULES}/preview", json={"document": document})).json()["would"]

    yuan = {one["total_minor"]: one["points"] for one in would["samples"] if one["currency"] == "CNY"}
    assert yuan == {100: None, 9_900: None, 10_000: 200, 99_900: 1_998}


async def test_what_rules_may_ask_is_described_for_an_editor(http: httpx.AsyncClient):
    events = {one["on"]: one["fields"] for one in (await http.get("/v1/loyalty/earning-fields")).json()["events"]}

    assert "ticket.closed" in events
    assert {
        name: value
        for field in events["order.paid"]
        if field["name"] == "total_minor"
        for name, value in field.items()
        if name != "operators"
    } == {"name": "total_minor", "kind": "money", "currency": None}
