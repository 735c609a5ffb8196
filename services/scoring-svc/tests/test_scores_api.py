"""The HTTP door of scoring."""

from datetime import UTC, datetime, timedelta

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for
from scoring_svc.features import SERVICE

from .builders import created, merged, paid

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
READER = staff("scores:read")


async def test_the_scores_are_of_this_moment(scoring: TestDatabase, clock: FrozenClock):
    id_ = uuid7()
    await deliver(SERVICE, scoring.db, [created(id_, NOW), paid(id_, NOW, 5_000)], clock)
    clock.advance(timedelta(days=60))

    async with client_for(SERVICE, scoring.db, clock) as client:
        path = f"/v1/customers/{id_}/scores"
        answer = await client.get(path, headers=staff("scores:read", at=clock.now()) | {"Accept-Language": "en"})

    body = answer.json()
    assert answer.status_code == 200
    assert body["risk"]["score"] == pytest.approx(50)
    assert body["risk"]["band"] == "medium"
    assert body["risk"]["reasons"][0]["text"] == "No purchase for 60 days"
    assert body["silence"] == {"days": 60, "usual_days": 60, "probability": pytest.approx(0.5)}
    assert (body["orders_count"], body["value_minor"], body["value_currency"]) == (1, 5_000, "CNY")
    assert body["as_of"] == "2027-01-19T08:00:00Z"


async def test_texts_are_chinese_unless_english_is_asked_for(scoring: TestDatabase, clock: FrozenClock):
    id_ = uuid7()
    await deliver(SERVICE, scoring.db, [created(id_, NOW), paid(id_, NOW - timedelta(days=9))], clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        answer = await client.get(f"/v1/customers/{id_}/scores", headers=READER)

    assert answer.json()["risk"]["reasons"][0]["text"] == "已有 9 天没有购买"


async def test_a_customer_without_a_paid_order_has_no_risk(scoring: TestDatabase, clock: FrozenClock):
    id_ = uuid7()
    await deliver(SERVICE, scoring.db, [created(id_, NOW)], clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        answer = await client.get(f"/v1/customers/{id_}/scores", headers=READER)
        summary = await client.get("/v1/scores/summary", headers=READER)

    assert answer.status_code == 200
    assert (answer.json()["risk"], answer.json()["silence"], answer.json()["orders_count"]) == (None, None, 0)
    assert summary.json() == {"customers": 0, "bands": {"low": 0, "medium": 0, "high": 0}, "at_risk_value": []}


async def test_the_merged_id_answers_the_survivor(scoring: TestDatabase, clock: FrozenClock):
    gone, survivor = uuid7(), uuid7()
    facts = [created(gone, NOW), created(survivor, NOW), paid(gone, NOW), merged(gone, survivor, NOW)]
    await deliver(SERVICE, scoring.db, facts, clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        answer = await client.get(f"/v1/customers/{gone}/scores", headers=READER)

    assert (answer.json()["customer_id"], answer.json()["orders_count"]) == (str(survivor), 1)


async def test_summary_and_lists_by_band_are_of_this_moment(scoring: TestDatabase, clock: FrozenClock):
    ids = [uuid7() for _ in range(4)]
    days_and_value = ((300, 100), (300, 900), (100, 50), (1, 70))
    facts = [
        paid(id_, NOW - timedelta(days=days), value) for id_, (days, value) in zip(ids, days_and_value, strict=True)
    ]
    await deliver(SERVICE, scoring.db, facts, clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        summary = (await client.get("/v1/scores/summary", headers=READER)).json()
        first = (await client.get("/v1/risks?band=high&limit=1", headers=READER)).json()
        cursor = first["next_cursor"]
        second = (await client.get(f"/v1/risks?band=high&limit=1&cursor={cursor}", headers=READER)).json()
        medium = (await client.get("/v1/risks?band=medium", headers=READER)).json()
        clock.advance(timedelta(days=145))
        later = staff("scores:read", at=clock.now())
        summary_later = (await client.get("/v1/scores/summary", headers=later)).json()

    assert summary == {
        "customers": 4,
        "bands": {"low": 1, "medium": 1, "high": 2},
        "at_risk_value": [{"currency": "CNY", "amount_minor": 1_000}],
    }
    assert [item["customer_id"] for item in first["items"] + second["items"]] == [str(ids[1]), str(ids[0])]
    assert second["next_cursor"] is None
    assert [item["customer_id"] for item in medium["items"]] == [str(ids[2])]
    assert summary_later["bands"] == {"low": 0, "medium": 1, "high": 3}


@pytest.mark.parametrize("query", ["band=none", "limit=201", "cursor=broken", "order=value"])
async def test_what_cannot_be_asked_is_refused(query: str, scoring: TestDatabase, clock: FrozenClock):
    async with client_for(SERVICE, scoring.db, clock) as client:
        answer = await client.get(f"/v1/risks?{query}", headers=READER)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_scores_are_not_for_customers(scoring: TestDatabase, clock: FrozenClock):
    own, other = uuid7(), uuid7()
    await deliver(SERVICE, scoring.db, [created(own, NOW), created(other, NOW)], clock)

    async with client_for(SERVICE, scoring.db, clock) as client:
        codes = {
            path: (await client.get(path, headers=customer(own))).status_code
            for path in (
                f"/v1/customers/{own}/scores",
                f"/v1/customers/{other}/scores",
                "/v1/scores/summary",
                "/v1/risks",
            )
        }
        without_scope = await client.get("/v1/risks", headers=staff("loyalty:read"))
        nobody = await client.get("/v1/risks")

    assert list(codes.values()) == [403, 404, 403, 403]
    assert (without_scope.status_code, nobody.status_code) == (403, 401)


async def test_an_unknown_customer_is_not_found(scoring: TestDatabase, clock: FrozenClock):
    async with client_for(SERVICE, scoring.db, clock) as client:
        answer = await client.get("/v1/customers/00000000-0000-7000-8000-000000000001/scores", headers=READER)

    assert (answer.status_code, answer.json()["code"]) == (404, "customers.unknown")
