"""What operators see of a service, and what they may do about dead letters."""

import pytest

from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff


async def bury(database, *, error="ValueError: no such shop"):
    id_ = uuid7()
    async with database.db.transaction() as tx:
        offset = await tx.scalar("SELECT count(*) FROM dead_letter")
        await tx.execute(
            "INSERT INTO dead_letter (id, consumer, topic, partition, record_offset, key, value, headers, code, error,"
            " attempts) VALUES (:id, 'thing-svc', 'moat.intake', 3, :offset, :key, :value, '[]', 'x', :error, 1)",
            id=id_, offset=offset, key=b"\xffk", value=b"{", error=error,
        )  # fmt: skip
    return str(id_)


async def test_status_tells_what_is_left_to_do(client, database):
    await bury(database)

    status = (await client.get("/v1/ops/status")).json()

    assert status["name"] == "thing-svc"
    assert (status["outbox"], status["timers_overdue"], status["dead_letters"], status["in_flight"]) == (0, 0, 1, 0)


async def test_dead_letters_are_paged_and_shown_even_when_their_bytes_are_no_text(client, database):
    ids = [await bury(database) for _ in range(3)]

    first = (await client.get("/v1/ops/dead-letters?limit=2&status=pending")).json()
    rest = (await client.get(f"/v1/ops/dead-letters?limit=2&status=pending&cursor={first['next_cursor']}")).json()

    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    assert first["items"][0]["service"] == "thing-svc"
    assert first["items"][0]["key"] == "\N{REPLACEMENT CHARACTER}k"
    assert (await client.get("/v1/ops/dead-letters?status=replayed")).json()["items"] == []
    assert (await client.get("/v1/ops/dead-letters?status=lost")).status_code == 422


async def test_discarding_wants_a_reason_is_audited_and_safe_to_repeat(client, database):
    id_ = await bury(database)
    place = f"/v1/ops/dead-letters/{id_}/discard"

    assert (await client.post(place, json={})).status_code == 422
    answers = [await client.post(place, json={"reason": "test data"}) for _ in range(2)]

    assert [(a.status_code, a.json()["status"]) for a in answers] == [(200, "discarded")] * 2
    async with database.db.transaction() as tx:
        audited = await tx.all("SELECT actor, action, subject FROM audit")
    assert [tuple(row) for row in audited] == [("staff:staff-1", "dead_letter.discarded", id_)]
    assert (await client.post(f"/v1/ops/dead-letters/{id_}/replay")).status_code == 409


async def test_a_record_that_is_still_bad_stays_pending(client, database):
    id_ = await bury(database)

    answer = await client.post(f"/v1/ops/dead-letters/{id_}/replay")

    assert 400 <= answer.status_code < 500
    assert (await client.get("/v1/ops/status")).json()["dead_letters"] == 1


async def test_an_unknown_one_is_not_found(client):
    answer = await client.post(f"/v1/ops/dead-letters/{uuid7()}/replay")

    assert (answer.status_code, answer.json()["code"]) == (404, "dead-letters.unknown")


@pytest.mark.parametrize("route", ["/v1/ops/status", "/v1/ops/dead-letters"])
async def test_operations_are_for_operators(client, route):
    for headers in (staff("things:read"), customer(uuid7())):
        assert (await client.get(route, headers=headers)).status_code == 403
