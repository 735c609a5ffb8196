"""Each role as a real process: what it serves, what tells it to stop, in which order it does."""

import asyncio
import os
import signal
import socket

import pytest


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
async def test_all_serves_and_works_and_stops_in_order(start, signal_):
    async with start("--role", "all") as running:
        async with await running.client() as client:
            await running.said("worker.began")
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/readyz")).json() == {"ready": True, "missing": []}

        running.process.send_signal(signal_)

        assert await running.ended() == 0
        events = [line["event"] for line in running.lines]
        assert events.index("stop.asked") < events.index("worker.ended") < events.index("stopped")


async def test_web_has_no_worker_and_worker_has_no_routes(start):
    async with start("--role", "web") as web, start("--role", "worker") as worker:
        async with await web.client() as client:
            assert (await client.get("/v1/things")).status_code == 401
        async with await worker.client() as client:
            assert (await client.get("/readyz")).status_code == 200
            assert "moat_http" in (await client.get("/metrics")).text
            assert (await client.get("/v1/things")).status_code == 404

        await worker.said("worker.began")
        for running in (web, worker):
            running.process.terminate()
            assert await running.ended() == 0
        assert "worker.began" not in [line["event"] for line in web.lines]


async def test_a_request_under_way_is_answered_before_the_process_ends(start):
    async with start("--role", "web") as running, await running.client() as client:
        call = asyncio.create_task(client.get("/v1/things/pause?seconds=1"))
        await running.said("pause.began")

        running.process.terminate()

        answer = await call
        assert answer.status_code == 200
        assert await running.ended() == 0


async def test_in_a_cluster_readiness_goes_before_the_door_closes(start):
    async with start("--role", "web", MOAT_STOP_GRACE_SECONDS="1.5") as running, await running.client() as client:
        running.process.terminate()
        await running.said("stop.asked")

        assert (await client.get("/readyz")).json()["missing"] == ["draining"]
        assert (await client.get("/v1/things/greeting")).status_code == 200
        assert await running.ended() == 0


async def test_a_second_signal_kills(start):
    async with start("--role", "web", MOAT_STOP_GRACE_SECONDS="10") as running:
        await running.said("serving")
        running.process.terminate()
        await running.said("stop.asked")
        running.process.terminate()

        assert await running.ended(5) == 128 + signal.SIGTERM


async def test_it_stops_when_its_supervisor_is_gone(start):
    read, write = os.pipe()
    async with start("--role", "all", pass_fds=(read,), MOAT_PARENT_PIPE=str(read)) as running:
        os.close(read)
        await running.said("worker.began")

        os.close(write)

        assert await running.ended() == 0
        assert (await running.said("stop.asked"))["reason"] == "the supervisor is gone"


async def test_a_worker_that_breaks_ends_the_process(start):
    async with start("--role", "all", THING_TEST_BREAK="1") as running:
        assert await running.ended() == 1
        assert "part.ended" in [line["event"] for line in running.lines]


async def test_a_taken_port_is_said_in_one_sentence(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with start("--role", "web", THING_PORT=str(port)) as running:
            assert await running.ended() == 2
            assert running.errors.decode().startswith(f"thing-svc: cannot listen on 127.0.0.1 port {port}")
            assert b"Traceback" not in running.errors


async def test_what_the_environment_lacks_is_named(start):
    async with start("--role", "web", THING_DATABASE_URL=None, MOAT_GATEWAY_URL=None) as running:
        assert await running.ended() == 2
        assert b"THING_DATABASE_URL" in running.errors
        assert b"MOAT_GATEWAY_URL" in running.errors
        assert b"Traceback" not in running.errors


async def test_migrating_again_changes_nothing_and_needs_the_owner(start):
    async with start("--role", "migrate") as running:
        assert await running.ended() == 0

    async with start("--role", "migrate", THING_OWNER_DATABASE_URL=None) as running:
        assert await running.ended() == 2
        assert b"THING_OWNER_DATABASE_URL" in running.errors


async def test_without_its_database_it_lives_but_is_not_ready(start):
    nobody = "postgresql://thing_app:x@127.0.0.1:1/none"
    async with start("--role", "web", THING_DATABASE_URL=nobody) as running:
        async with await running.client() as client:
            assert (await client.get("/livez")).status_code == 200
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["missing"]) == (503, ["database"])

        running.process.terminate()
        assert await running.ended() == 0
