"""Over a real socket: keys fetched from the gateway's address, bodies counted, callers who hang up."""

import asyncio
import json
from contextlib import asynccontextmanager

import asyncpg
import pytest

from moat.kit.auth import Caller, jwks_of
from moat.kit.clock import SystemClock
from moat.kit.ids import uuid7
from moat.kit.testing.callers import KEY_ID, bearer, signing_key

WRITER = Caller("staff", "s-1", frozenset({"things:read", "things:write"}))


@asynccontextmanager
async def gateway():
    """Publishes the key set of the tests."""
    document = json.dumps(jwks_of({KEY_ID: signing_key().public_key()})).encode()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(document) + document)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/OWNER/gifts"])
async def test_work_of_callers_who_hang_up_is_done_and_nothing_leaks(start, path):
    callers = 60
    headers = bearer(WRITER, at=SystemClock().now())

    async def hang_up(at, number):
        body = json.dumps({"name": f"n{number}", "settle_seconds": 0.05}).encode()
        _, writer = await asyncio.open_connection(at["host"], at["port"])
        own = path.replace("OWNER", str(uuid7()))
        writer.write(
            f"POST {own} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
            + b"Authorization: %s\r\nContent-Length: %d\r\n\r\n" % (headers["Authorization"].encode(), len(body))
            + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with gateway() as url, start("--role", "web", MOAT_GATEWAY_URL=url) as running:
        async with await running.client() as client:
            assert (await client.get("/v1/things", headers=headers)).status_code == 200
            at = await running.said("serving")

            await asyncio.gather(*(hang_up(at, number) for number in range(callers)))
            # Connections are taken in order: when a later one is answered, all of these are under way, however busy
            # the machine is. What a process that stops has not begun to read was never promised.
            async with await running.client() as later:
                assert (await later.get("/livez")).status_code == 200

            running.process.terminate()
        assert await running.ended() == 0
        connection = await asyncpg.connect(running.database_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM thing") == callers
        finally:
            await connection.close()


async def test_a_body_over_the_bound_is_refused_over_a_socket_and_the_next_request_is_fine(start):
    headers = bearer(WRITER, at=SystemClock().now())
    async with (
        gateway() as url,
        start("--role", "web", MOAT_GATEWAY_URL=url) as running,
        await running.client() as client,
    ):
        large = await client.post("/v1/things", content=b" " * 2_000_000, headers=headers)
        fine = await client.post("/v1/things", json={"name": "x"}, headers=headers)

        assert (large.status_code, fine.status_code) == (413, 201)
        assert large.headers["content-type"] == "application/problem+json"
