"""What the door answers to good and bad requests."""

import asyncio

import pytest

from moat.kit.testing.callers import customer, staff
from moat.kit.web.exchange import BODY_BYTES_MAX

JSON = {"content-type": "application/json"}


async def test_every_answer_names_its_request(client):
    own = await client.get("/v1/things", headers={"X-Request-Id": "abc-1"})
    insane = await client.get("/v1/things", headers={"X-Request-Id": "a b\x01" + "x" * 100})
    missing = await client.get("/nowhere")

    assert own.headers["x-request-id"] == "abc-1"
    assert insane.headers["x-request-id"] not in ("", "a b\x01" + "x" * 100)
    assert missing.json()["instance"].endswith(missing.headers["x-request-id"])


async def test_unknown_routes_and_methods_are_problems(client):
    unknown = await client.get("/v1/nowhere")
    method = await client.put("/v1/things")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "route.unknown")
    assert (method.status_code, method.json()["code"]) == (405, "route.method-not-allowed")
    assert method.headers["allow"] == "GET, POST"
    assert unknown.headers["content-type"] == method.headers["content-type"] == "application/problem+json"


async def test_wrong_fields_are_named_by_pointer_and_never_echoed(client):
    body = {"name": "", "parts": [{"quantity": 1}, {"quantity": "hunter2", "x": 1}], "unknown": "hunter2"}

    answer = await client.post("/v1/things", json=body)

    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {
        "/name",
        "/parts/1/quantity",
        "/parts/1/x",
        "/unknown",
    }
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "#/query/limit"),
        ("limit=201", "#/query/limit"),
        ("limit=many", "#/query/limit"),
        ("cursor=broken", "#/query/cursor"),
        ("cursor=", "#/query/cursor"),
        ("colour=red", "#/query/colour"),
        ("limit=5&%00=1", "#/query"),
        ("&".join(f"a{n}=1" for n in range(200)), "#/query"),
    ],
)
async def test_wrong_query_parameters_are_named(client, query, place):
    answer = await client.get(f"/v1/things?{query}")

    assert answer.status_code == 422
    assert place in [e["pointer"] for e in answer.json()["errors"]]


async def test_a_wrong_id_in_the_path_is_named(client):
    answer = await client.patch("/v1/things/seven", json={"name": "x"}, headers={"If-Match": '"1"'})

    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["#/path/id"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b'{"name": NaN}', JSON, 400),
        (b'{"weight": 1e400, "name": "x"}', JSON, 400),
        (b'{"name": "\\ud800"}', JSON, 422),
        (b'{"name": "\\u0000"}', JSON, 422),
        (b"[" * 70 + b"]" * 70, JSON, 422),
        (b"[" * 100_000, JSON, 422),
        (b"[]", JSON, 422),
        (b"", JSON, 422),
        (b'{"name": "x"}', {"content-type": "text/plain"}, 415),
        (b'{"name": "x"}', {}, 415),
        (b'{"name": "' + b"x" * BODY_BYTES_MAX + b'"}', JSON, 413),
    ],
)
async def test_bodies_that_are_no_thing_are_refused_and_the_service_goes_on(client, body, headers, status):
    answer = await client.post("/v1/things", content=body, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert (await client.post("/v1/things", json={"name": "fine"})).status_code == 201


async def test_a_body_without_a_length_is_counted_while_it_streams(client):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 100_000

    answer = await client.post("/v1/things", content=endless(), headers=JSON)

    assert answer.status_code == 413
    assert sent <= BODY_BYTES_MAX / 100_000 + 1


async def test_a_stranger_is_refused_before_his_body_is_read(client):
    client.headers.pop("authorization")

    answer = await client.post("/v1/things", content=b"{" * 1000)

    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_scopes_and_customer_tokens_open_what_they_are_for(client):
    from moat.kit.ids import uuid7

    reader = await client.post("/v1/things", json={"name": "x"}, headers=staff("things:read"))
    own = await client.get("/v1/things", headers=customer(uuid7()))
    foreign = await client.post("/v1/things", json={"name": "x"}, headers=customer(uuid7()))

    assert (reader.status_code, reader.json()["code"]) == (403, "auth.forbidden")
    assert own.status_code == 200
    assert foreign.status_code == 403


async def test_edits_need_the_version_that_was_read(client):
    made = await client.post("/v1/things", json={"name": "old"})
    place = f"/v1/things/{made.json()['id']}"

    answers = {
        tag: await client.patch(place, json={"name": "new"}, headers={"If-Match": tag} if tag else {})
        for tag in (None, '"2"', "*", 'W/"1"', made.headers["etag"])
    }
    again = await client.patch(place, json={"name": "newer"}, headers={"If-Match": '"1"'})

    assert [a.status_code for a in answers.values()] == [428, 412, 412, 412, 200]
    assert answers['"1"'].headers["etag"] == '"2"'
    assert again.status_code == 412


async def test_pages_hold_every_row_once_in_order(client):
    for number in range(7):
        await client.post("/v1/things", json={"name": f"n{number // 2}"})

    seen, cursor = [], None
    while True:
        page = (await client.get("/v1/things", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [(item["name"], item["id"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == 7
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("en", "Hello"),
        ("zh", "你好"),
        ("", "你好"),
        ("en;q=0.2, zh-TW;q=0.9", "你好"),
        ("fr, en-GB;q=0.5", "Hello"),
        ("en;q=x", "你好"),
        ("de", "你好"),
    ],
)
async def test_texts_are_in_the_language_asked_for(client, accept, text):
    answer = await client.get("/v1/things/greeting", headers={"Accept-Language": accept})

    assert answer.json()["text"] == text


async def test_a_bug_is_a_500_that_tells_nothing(client):
    answer = await client.get("/v1/things/failure?kind=bug")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


async def test_a_statement_over_its_bound_is_a_503_to_try_again(client):
    answer = await client.get("/v1/things/failure?kind=statement")

    assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_work_past_its_deadline_is_answered_in_time_and_still_commits(client):
    late = await client.post(
        "/v1/things", json={"name": "late", "settle_seconds": 0.3}, headers={"x-deadline-ms": "50"}
    )

    assert (late.status_code, late.json()["code"]) == (504, "deadline.exceeded")
    await _until(client, lambda names: "late" in names)


async def test_work_whose_caller_left_still_commits(client):
    call = asyncio.create_task(client.post("/v1/things", json={"name": "left", "settle_seconds": 0.3}))
    await asyncio.sleep(0.1)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    await _until(client, lambda names: "left" in names)


async def test_stopping_waits_for_work_under_way(client):
    inflight = client._transport.app.state.inflight
    call = asyncio.create_task(client.post("/v1/things", json={"name": "under way", "settle_seconds": 0.3}))
    while not inflight:
        await asyncio.sleep(0.005)

    assert not await inflight.drain(0.05)
    assert (await client.get("/readyz")).json() == {"ready": False, "missing": ["draining"]}
    assert await inflight.drain(5)
    assert (await call).status_code == 201


async def test_health_needs_no_token_and_readiness_needs_migrations(client, database):
    client.headers.pop("authorization")

    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).json() == {"ready": True, "missing": []}

    async with database.db.transaction() as tx:
        await tx.scalar("SELECT 1")
    metrics = await client.get("/metrics")
    assert "moat_http_request_seconds_bucket" in metrics.text


async def test_metrics_name_templates_and_never_paths(client):
    from moat.kit.ids import uuid7

    id_ = uuid7()
    await client.patch(f"/v1/things/{id_}", json={"name": "x"}, headers={"If-Match": '"1"'})

    text = (await client.get("/metrics")).text
    assert 'route="/v1/things/{id}"' in text
    assert str(id_) not in text


async def test_the_document_tells_problems_and_who_may_call(client):
    document = (await client.get("/v1/openapi.json")).json()

    make = document["paths"]["/v1/things"]["post"]
    assert make["x-moat-scopes"] == ["things:write"]
    assert make["x-moat-customers"] is False
    assert document["paths"]["/v1/things"]["get"]["x-moat-customers"] is True
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "503"} <= set(make["responses"])
    assert {"412", "428"} <= set(document["paths"]["/v1/things/{id}"]["patch"]["responses"])
    assert "idempotency.still-running" in make["responses"]["409"]["content"]["application/problem+json"]["examples"]
    assert "things.name-taken" in make["responses"]["409"]["content"]["application/problem+json"]["examples"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def _until(client, condition, seconds=5):
    async with asyncio.timeout(seconds):
        while not condition([t["name"] for t in (await client.get("/v1/things")).json()["items"]]):
            await asyncio.sleep(0.02)
