"""Facts in: what is taken, what is refused and how it is named, what stands in the log."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.intake.checking import Accepted, Rejected, check
from gateway.intake.reading import events_of

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def an_order(number=1, **changes):
    data = {
        "order_id": f"o-{number}",
        "customer": [
            {"system": "main", "kind": "customer_id", "value": "00004"},
            {"system": "main", "kind": "phone", "value": "+8613800138000"},
        ],
        "currency": "CNY",
        "total_minor": 2933,
        "lines": [{"sku": "cd-rock", "name": "摇滚", "category": "cd", "quantity": 2, "amount_minor": 2933}],
    }
    event = {
        "specversion": "1.0",
        "id": f"o-{number}-paid",
        "source": "/shops/main",
        "type": "moat.intake.order.paid.v1",
        "time": "2026-11-20T07:30:00Z",
    }
    event["data"] = data | changes.pop("data", {})
    return event | changes


def a_delay(promised_at):
    event = an_order(type="moat.intake.order.delayed.v1")
    customer = event["data"]["customer"]
    return event | {"data": {"order_id": "o-1", "customer": customer, "promised_at": promised_at}}


async def send(house, body, media_type=BATCH, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await house.client.post(
        "/v1/events", content=content, headers=house.as_intake() | {"Content-Type": media_type} | headers
    )


async def in_log(house):
    reader = await house.process.log.reader("test", ["moat.intake"], on_revoked=nothing)
    records = []
    try:
        async with asyncio.timeout(20):
            while not records:
                for received in (await reader.poll()).values():
                    records += received
    finally:
        await reader.close()
    return records


async def nothing(_places):
    """Nobody minds."""


@pytest.fixture
async def intake(house_of, pglog_url):
    return await house_of(log_url=pglog_url)


async def test_one_event_is_in_the_log_when_it_is_acknowledged(intake):
    answer = await send(intake, an_order(), SINGLE, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    (record,) = await in_log(intake)
    headers = dict(record.headers)
    assert record.key == b"main/customer_id/00004"
    assert json.loads(record.value) == an_order()["data"]
    assert headers["ce_id"] == b"o-1-paid"
    assert headers["ce_source"] == b"/shops/main"
    assert headers["ce_type"] == b"moat.intake.order.paid.v1"
    assert headers["ce_time"] == b"2026-11-20T07:30:00Z"
    assert headers["ce_traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01".encode()
    assert headers["content-type"] == b"application/json"


async def test_one_bad_event_of_500_is_named_and_the_others_are_taken(intake):
    batch = [an_order(n) for n in range(500)]
    del batch[3]["data"]["order_id"]

    answer = await send(intake, batch)

    assert answer.status_code == 202
    assert answer.json()["accepted"] == 499
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["id"], rejected["code"]) == (3, "o-3-paid", "events.invalid")
    assert rejected["errors"] == [{"pointer": "/data/order_id", "detail": "Field required"}]
    assert len(await in_log(intake)) == 499


async def test_what_was_sent_is_kept_as_it_was(intake):
    profile = {"profile": {"name": None, "phones": ["13800138000"]}, "customer": an_order()["data"]["customer"]}
    event = an_order(type="moat.intake.profile.updated.v1") | {"data": profile, "partner": "x", "priority": 3}

    await send(intake, event, SINGLE)

    (record,) = await in_log(intake)
    assert json.loads(record.value) == profile
    assert dict(record.headers)["ce_partner"] == b"x"
    assert dict(record.headers)["ce_priority"] == b"3"


@pytest.mark.parametrize(
    ("event", "pointer"),
    [
        (an_order(data={"total_minor": -1}), "/data/total_minor"),
        (an_order(data={"total_minor": 10**12 + 1}), "/data/total_minor"),
        (an_order(data={"total_minor": "5"}), "/data/total_minor"),
        (an_order(data={"total_minor": 5.0}), "/data/total_minor"),
        (an_order(data={"currency": "XXX"}), "/data/currency"),
        (an_order(data={"lines": [{"quantity": 0, "amount_minor": 1}]}), "/data/lines/0/quantity"),
        (an_order(data={"surprise": 1}), "/data/surprise"),
        (an_order(data={"order_id": "a\u0000b"}), "/data/order_id"),
        (an_order(data={"order_id": "\ud800"}), "/data/order_id"),
        (an_order(data={"customer": []}), "/data/customer"),
        (an_order(type="moat.intake.order.sent.v1"), "/type"),
        (an_order(type="moat.order.paid.v1"), "/type"),
        (an_order(type=None), "/type"),
        (an_order(specversion="0.3"), "/specversion"),
        (an_order(id=""), "/id"),
        (an_order(id=7), "/id"),
        (an_order(id="a\u0000"), "/id"),
        (an_order(source="x" * 300), "/source"),
        (an_order(time="yesterday"), "/time"),
        (an_order(time="2026-11-20T08:30:00"), "/time"),
        (an_order(time=1790000000), "/time"),
        (an_order(time="1790000000"), "/time"),
        (an_order(time="2026-11-20T08:05:01Z"), "/time"),
        (an_order(time="0001-01-01T00:00:00+14:00"), "/time"),
        (a_delay("9999-12-31T23:59:59-12:00"), "/data/promised_at"),
        (a_delay("0001-01-01T00:00:00+12:00"), "/data/promised_at"),
        (an_order(data_base64="AA=="), "/data_base64"),
        (an_order(Bad_Name="x"), "/Bad_Name"),
        (an_order(datacontenttype="text/xml"), "/datacontenttype"),
        (an_order() | {"data": None}, "/data"),
        (an_order() | {"data": [1]}, "/data"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_bad_event_is_named_by_its_pointer(event, pointer):
    (read,) = events_of(json.dumps([event]).encode(), batch=True)

    judged = check(read, now=NOW, traceparent="")

    assert isinstance(judged, Rejected)
    assert {error.pointer for error in judged.errors} == {pointer}


async def test_if_none_is_acceptable_the_answer_is_422_with_the_same_list(house):
    answer = await send(house, [an_order(data={"currency": "XXX"}), an_order(time="yesterday"), None])

    assert answer.status_code == 422
    assert answer.json()["accepted"] == 0
    assert [(r["index"], r["id"], r["errors"][0]["pointer"]) for r in answer.json()["rejected"]] == [
        (0, "o-1-paid", "/data/currency"),
        (1, "o-1-paid", "/time"),
        (2, None, ""),
    ]


BODIES = [
    (b"not json", BATCH, 400),
    (b"", BATCH, 400),
    (b'[{"id": NaN}]', BATCH, 400),
    (b"\xff\xfe", SINGLE, 400),
    (b"[" * 5000 + b"]" * 5000, BATCH, 400),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, SINGLE, 400),
    (b'"\\ud800' + b"[" * 5000, SINGLE, 400),
    (json.dumps([an_order(n) for n in range(501)]).encode(), BATCH, 422),
    (b"[]", BATCH, 422),
    (b"{}", BATCH, 422),
    (b"[]", SINGLE, 422),
    (b"{}", "application/json", 415),
    (b"{}", "text/plain", 415),
    (b"{}", f"{SINGLE}; charset=gbk", 415),
    (b" " * 1_000_001, BATCH, 413),
]


async def test_a_body_that_is_none_is_refused_and_the_gateway_goes_on(house):
    for body, media_type, status in BODIES:
        answer = await send(house, body, media_type)

        assert answer.status_code == status, (body[:20], media_type)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await house.client.get("/livez")).status_code == 200


async def test_an_event_over_its_bound_is_refused_and_the_rest_is_taken(intake):
    huge = an_order(2, data={"lines": [{"name": "x" * 900, "brand": "x" * 900, "amount_minor": 1}] * 200})

    answer = await send(intake, [an_order(1), huge])

    assert answer.json()["accepted"] == 1
    assert [r["code"] for r in answer.json()["rejected"]] == ["events.too_large"]


async def test_while_the_log_is_away_nothing_is_acknowledged(house):
    answer = await send(house, [an_order()])

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_log_that_was_restarted_costs_nobody_an_answer(intake, templates):
    import asyncpg

    assert (await send(intake, [an_order(1)])).status_code == 202
    admin = await asyncpg.connect(templates.server.url())
    name = intake.settings.events_url.get_secret_value().rpartition("/")[2]
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await admin.close()

    assert (await send(intake, [an_order(2)])).status_code == 202


async def test_many_senders_at_once_are_all_in_the_log(intake):
    answers = await asyncio.gather(*(send(intake, [an_order(n * 10 + i) for i in range(10)]) for n in range(20)))

    assert {answer.json()["accepted"] for answer in answers} == {10}
    assert len({dict(record.headers)["ce_id"] for record in await in_log(intake)}) == 200


async def test_only_the_scope_opens_the_door(house):
    without = await house.client.post("/v1/events", json={})
    staff = await house.as_staff()
    key = await house.client.post("/v1/api-keys", json={"name": "reader", "scopes": ["customers:read"]}, headers=staff)
    other = await house.client.post("/v1/events", json={}, headers=house.with_token(key.json()["key"]))

    assert (without.status_code, other.status_code) == (401, 403)


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        ("2026-11-20T08:05:00Z", "2026-11-20T08:00:00Z"),
        ("2026-11-20T16:00:00.123456789+08:00", "2026-11-20T08:00:00Z"),
        ("2026-11-20t07:00:00z", "2026-11-20T07:00:00Z"),
        ("1997-01-01T12:00:00.5Z", "1997-01-01T12:00:00.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_up_to_five_minutes_ahead_is_now_and_any_past_is_itself(time, kept):
    judged = check(an_order(time=time), now=NOW, traceparent="")

    assert isinstance(judged, Accepted)
    assert judged.attributes["time"] == kept
    assert timedelta(minutes=5) == NOW + timedelta(minutes=5) - NOW
