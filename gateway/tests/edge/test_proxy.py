"""What passes through the gateway, and what does not."""

import asyncio

from gateway.proxy.routing import CUSTOMER, LOYALTY, NOTIFY, SCORING, TICKET

ROUTES = [
    ("/v1/customers", CUSTOMER),
    ("/v1/customers/c1", CUSTOMER),
    ("/v1/customers/c1/timeline", CUSTOMER),
    ("/v1/customers/c1/consents/care/email", CUSTOMER),
    ("/v1/contacts/lookup", CUSTOMER),
    ("/v1/customers/c1/loyalty", LOYALTY),
    ("/v1/customers/c1/loyalty/postings", LOYALTY),
    ("/v1/loyalty/audit", LOYALTY),
    ("/v1/customers/c1/scores", SCORING),
    ("/v1/scores/summary", SCORING),
    ("/v1/risks", SCORING),
    ("/v1/tickets/t1/replies", TICKET),
    ("/v1/customers/c1/messages", NOTIFY),
    ("/v1/inbox", NOTIFY),
    ("/v1/messages/summary", NOTIFY),
]


async def test_each_path_goes_to_its_service(house):
    for path, service in ROUTES:
        answer = await house.client.get(path, headers=house.as_admin())

        assert answer.json() == {"service": service, "path": path}


async def test_a_request_passes_whole_and_the_answer_comes_back_whole(house):
    house.services[TICKET].answers["/v1/tickets"] = (201, b'{"number": 7}')

    answer = await house.client.post(
        "/v1/tickets?a=1&a=%E4%B8%AD",
        json={"subject": "坏了"},
        headers=house.as_admin() | {"Idempotency-Key": "k1", "X-Request-Id": "req-1", "Accept-Language": "en"},
    )

    assert (answer.status_code, answer.json()) == (201, {"number": 7})
    assert answer.headers.get_list("x-request-id") == ["req-1"]
    assert answer.headers["ratelimit-limit"] == "400"
    assert "set-cookie" not in answer.headers
    asked = house.services[TICKET].asked[0]
    assert (asked["method"], asked["query"]) == ("POST", b"a=1&a=%E4%B8%AD")
    assert asked["body"] == '{"subject":"坏了"}'.encode()
    assert asked["headers"]["idempotency-key"] == "k1"
    assert asked["headers"]["x-request-id"] == "req-1"
    assert asked["headers"]["accept-language"] == "en"
    assert int(asked["headers"]["x-deadline-ms"]) > 0
    assert asked["headers"]["traceparent"].startswith("00-")


async def test_who_is_calling_is_said_by_the_token_only(house):
    spoofed = {
        "X-Forwarded-For": "1.2.3.4",
        "Cookie": "a=1",
        "X-Deadline-Ms": "1",
        "Connection": "X-Secret",
        "X-Secret": "1",
    }

    await house.client.get("/v1/tickets", headers=house.as_admin() | spoofed)

    headers = house.services[TICKET].asked[0]["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-deadline-ms"] != "1"
    assert not {"cookie", "x-secret"} & headers.keys()


async def test_a_staff_token_is_passed_on_as_it_is(house):
    theirs = await house.as_staff()

    await house.client.get("/v1/tickets", headers=theirs)

    assert house.services[TICKET].asked[0]["headers"]["authorization"] == theirs["Authorization"]


async def test_without_a_caller_no_service_is_asked(house):
    answer = await house.client.get("/v1/tickets")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert house.services[TICKET].asked == []


AMBIGUOUS = [
    "/v1/customers/../tickets",
    "/v1/customers/%2e%2e/tickets",
    "/v1/customers/.%2E/loyalty",
    "/v1/customers/c1%2Floyalty",
    "/v1/customers/c1%5cloyalty",
    "/v1/customers/c1/%6coyalty",
    "/v1//tickets",
    "//v1/tickets",
    "/v1/./tickets",
    "/v1/tickets%00",
    "/v1/tickets%0d%0aX: y",
    "/v1/tickets;/../loyalty",
    "/v1\\tickets",
    "/v1/tickets/" + "a" * 3000,
]


async def test_a_path_with_two_meanings_reaches_nobody(house):
    for path in AMBIGUOUS:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {house.as_admin()['Authorization']}\r\n\r\n"

        answer = await house.raw(request.encode())

        assert answer.split(b" ", 2)[1] == b"400", path
    assert all(service.asked == [] for service in house.services.values())


async def test_what_nobody_serves_is_not_found(house):
    for path in ["/v1/tickets/", "/v2/tickets", "/v1/TICKETS", "/tickets", "/v1", "/v1/unknown"]:
        answer = await house.client.get(path, headers=house.as_admin())

        assert (answer.status_code, answer.json()["code"]) == (404, "route.unknown"), path
    assert all(service.asked == [] for service in house.services.values())


HEADS = [
    "Content-Length: 2\r\nContent-Length: 5\r\n",
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\nContent-Length: 2\r\n",
    "Content-Length: +2\r\n",
    "Authorization: Bearer other\r\nContent-Length: 2\r\n",
    "X-Long: " + "a" * 40_000 + "\r\nContent-Length: 2\r\n",
    "".join(f"X-{n}: 1\r\n" for n in range(120)) + "Content-Length: 2\r\n",
]


async def test_contradicting_and_huge_headers_reach_nobody(house):
    auth = house.as_admin()["Authorization"]
    for head in HEADS:
        request = f"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\n{head}\r\n{{}}"

        answer = await house.raw(request.encode())

        assert answer.split(b" ", 2)[1] in (b"400", b"431"), head[:40]
    assert house.services[TICKET].asked == []


async def test_an_absolute_target_is_its_path_and_nothing_else(house):
    auth = house.as_admin()["Authorization"]

    head = f"Host: x\r\nAuthorization: {auth}\r\nConnection: close\r\n\r\n"

    answer = await house.raw(f"GET http://evil.example/v1/tickets HTTP/1.1\r\n{head}".encode())

    assert answer.split(b" ", 2)[1] == b"200"
    assert [asked["path"] for asked in house.services[TICKET].asked] == ["/v1/tickets"]


async def test_targets_that_are_no_paths_reach_nobody(house):
    auth = house.as_admin()["Authorization"]
    for line in [
        "GET http://evil.example",
        "CONNECT evil.example:443",
        "OPTIONS *",
        "GET ?a=1",
        "GET v1/tickets",
        "BREW /",
    ]:
        answer = await house.raw(f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\n\r\n".encode())

        assert answer.split(b" ", 2)[1] in (b"400", b"404", b"405"), line
    assert all(service.asked == [] for service in house.services.values())


async def test_who_tries_many_wrong_keys_is_slowed_down_and_others_are_not(house_of):
    house = await house_of(limit_per_second=1, limit_burst=5)
    assert (await house.client.get("/v1/tickets", headers=house.as_intake())).status_code == 200

    wrong = [house.with_token(f"mk_admintest_{n:020}") for n in range(7)]
    answers = [await house.client.get("/v1/tickets", headers=headers) for headers in wrong]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert (await house.client.get("/v1/tickets", headers=house.as_intake())).status_code == 200


async def test_a_body_over_the_bound_is_refused_before_a_service_has_it(house):
    declared = await house.client.post("/v1/tickets", content=b"x" * 1_000_001, headers=house.as_admin())

    async def pieces():
        for _ in range(20):
            yield b"x" * 60_000

    streamed = await house.client.post("/v1/tickets", content=pieces(), headers=house.as_admin())

    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert [len(asked["body"]) for asked in house.services[TICKET].asked if len(asked["body"]) > 1_000_000] == []


async def test_a_large_answer_is_streamed_whole(house):
    house.services[TICKET].answers["/v1/tickets"] = (200, b"[" + b"1," * 500_000 + b"1]")

    answer = await house.client.get("/v1/tickets", headers=house.as_admin())

    assert len(answer.content) == 1_000_003


async def test_a_service_that_is_away_is_503_with_retry_after_and_then_left_alone(house_of):
    house = await house_of(at={TICKET: "http://127.0.0.1:9"})

    answers = [await house.client.get("/v1/tickets", headers=house.as_admin()) for _ in range(8)]

    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
    assert answers[-1].json()["code"] == "upstream.away"
    assert house.app.state.upstreams[TICKET].breaker.is_open
    assert (await house.client.get("/v1/customers", headers=house.as_admin())).status_code == 200


async def test_a_read_that_was_broken_off_is_asked_once_more_and_a_write_is_not(house_of):
    asked = []

    async def breaks_off_the_first_of_each(reader, writer):
        while line := await reader.readline():
            asked.append(line.split()[0])
            while (await reader.readline()).strip():
                pass
            if asked.count(asked[-1]) == 1:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(breaks_off_the_first_of_each, "127.0.0.1", 0)
    async with server:
        house = await house_of(at={TICKET: f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"})

        read = await house.client.get("/v1/tickets", headers=house.as_admin())
        write = await house.client.post("/v1/tickets", headers=house.as_admin())

        assert (read.status_code, write.status_code) == (200, 503)
        assert asked == [b"GET", b"GET", b"POST"]
        await house.app.state.upstreams[TICKET].close()


async def test_a_key_that_asks_too_much_is_told_when_to_come_back(house_of):
    house = await house_of(limit_per_second=1, limit_burst=3)

    answers = [await house.client.get("/v1/tickets", headers=house.as_admin()) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["2", "1", "0"]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await house.client.get("/v1/me", headers=house.as_intake())).status_code == 200


async def test_overload_is_refused_quickly_and_health_is_exempt(house_of):
    house = await house_of(in_flight_max=2)
    house.services[TICKET].delay_seconds = 1.0
    slow = [asyncio.create_task(house.client.get("/v1/tickets", headers=house.as_admin())) for _ in range(2)]
    async with asyncio.timeout(5):
        while len(house.services[TICKET].asked) < 2:
            await asyncio.sleep(0.01)

    third = await house.client.get("/v1/tickets", headers=house.as_admin())
    live = await house.client.get("/livez")

    assert (third.status_code, third.headers["retry-after"]) == (503, "1")
    assert live.status_code == 200
    assert [(await task).status_code for task in slow] == [200, 200]
    assert (await house.client.get("/v1/tickets", headers=house.as_admin())).status_code == 200


async def test_health_and_metrics_answer_without_a_token(house):
    assert (await house.client.get("/livez")).status_code == 200
    assert (await house.client.get("/readyz")).status_code == 200
    await house.client.get("/v1/tickets", headers=house.as_admin())
    metrics = (await house.client.get("/metrics")).text
    assert 'gateway_requests_total{method="GET",route="/v1/tickets",status="200"}' in metrics
