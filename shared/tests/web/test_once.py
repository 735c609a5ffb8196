"""The same command, sent again, has one effect and one answer."""

import asyncio
from collections import Counter

import pytest

from moat.kit.testing.callers import key
from moat.kit.web.idempotency import prune_answers


async def things(database):
    async with database.db.transaction() as tx:
        return [row.name for row in await tx.all("SELECT name FROM thing ORDER BY name")]


async def test_a_repeat_gets_the_first_answer_and_has_no_effect(client, database):
    headers = {"Idempotency-Key": "k-1"}

    first = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    again = await client.post("/v1/things", json={"name": "a"}, headers=headers)

    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await things(database) == ["a"]


async def test_twenty_at_once_are_one_effect_and_nineteen_replays(client, database):
    answers = await asyncio.gather(
        *(client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": "k"}) for _ in range(20))
    )

    assert Counter(a.status_code for a in answers) == {201: 20}
    assert sum("idempotent-replayed" in a.headers for a in answers) == 19
    assert len({a.content for a in answers}) == 1
    assert await things(database) == ["a"]


async def test_another_body_under_the_same_key_is_refused(client, database):
    await client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": "k"})

    other = await client.post("/v1/things", json={"name": "b"}, headers={"Idempotency-Key": "k"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key-reused")
    assert await things(database) == ["a"]


async def test_another_caller_has_keys_of_his_own(client, database):
    await client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": "k"})

    other = await client.post("/v1/things", json={"name": "b"}, headers={"Idempotency-Key": "k", **key("things:write")})

    assert other.status_code == 201
    assert await things(database) == ["a", "b"]


async def test_a_refusal_is_not_kept(client, database):
    refused = await client.post("/v1/things", json={"name": "taken"}, headers={"Idempotency-Key": "k"})
    later = await client.post("/v1/things", json={"name": "free"}, headers={"Idempotency-Key": "k"})

    assert (refused.status_code, refused.json()["name"]) == (409, "taken")
    assert later.status_code == 201


async def test_while_the_first_is_running_the_second_is_told_to_come_back(client, database):
    headers = {"Idempotency-Key": "k"}
    slow = asyncio.create_task(client.post("/v1/things", json={"name": "slow", "settle_seconds": 2}, headers=headers))
    await _running(database)

    second = await client.post("/v1/things", json={"name": "slow", "settle_seconds": 2}, headers=headers)

    assert (second.status_code, second.json()["code"]) == (409, "idempotency.still-running")
    assert second.headers["retry-after"] == "1"
    assert (await slow).status_code == 201


@pytest.mark.parametrize("bad", ["", "x" * 256, "a b", "ключ".encode()])
async def test_a_key_is_short_and_plain(client, bad):
    answer = await client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": bad})

    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["#/header/idempotency-key"]


async def test_answers_are_forgotten_after_two_days(client, database):
    for name in ("old", "new"):
        await client.post("/v1/things", json={"name": name}, headers={"Idempotency-Key": name})
    async with database.db.transaction() as tx:
        await tx.execute("UPDATE idempotency SET created_at = now() - interval '49 hours' WHERE key = 'old'")

    assert await prune_answers(database.db) == 1
    again = await client.post("/v1/things", json={"name": "new"}, headers={"Idempotency-Key": "new"})
    assert again.headers["idempotent-replayed"] == "true"


async def _running(database, seconds=5):
    async with asyncio.timeout(seconds):
        while True:
            async with database.db.transaction() as tx:
                if await tx.scalar("SELECT count(*) FROM pg_locks WHERE relation = 'thing'::regclass AND granted"):
                    return
            await asyncio.sleep(0.02)
