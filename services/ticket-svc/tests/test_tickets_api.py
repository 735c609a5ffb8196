"""The HTTP door of tickets."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from moat.kit.clock import FrozenClock
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver, published
from moat.kit.testing.callers import customer, key, staff
from moat.kit.testing.web import client_for
from ticket_svc.features import SERVICE

from .builders import created, merged, raised

AGENT = staff("tickets:read", "tickets:write", id="agent-1")


def a_complaint(about: UUID, **more: Any) -> dict[str, Any]:
    body = {
        "customer_id": str(about),
        "kind": "complaint",
        "subject": "破损",
        "body": "收到时已破损",
        "channel": "phone",
    }
    return body | more


async def opened(client: httpx.AsyncClient, about: UUID, headers: dict[str, str] = AGENT, **more: Any) -> Any:
    answer = await client.post("/v1/tickets", json=a_complaint(about, **more), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def known(tickets: TestDatabase, clock: FrozenClock, count: int = 1) -> list[UUID]:
    ids = [uuid7() for _ in range(count)]
    await deliver(SERVICE, tickets.db, [created(id_) for id_ in ids], clock)
    return ids


async def test_a_complaint_from_its_opening_to_its_end(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        ticket = await opened(client, buyer, priority="urgent")
        path = f"/v1/tickets/{ticket['id']}"
        replied = await client.post(f"{path}/replies", json={"body": "抱歉"}, headers=AGENT)
        noted = await client.post(f"{path}/replies", json={"body": "VIP", "visibility": "internal"}, headers=AGENT)
        solved = await client.post(f"{path}/solve", json={"resolution": "换货"}, headers=AGENT)
        closed = await client.post(f"{path}/close", headers=AGENT)
        read = await client.get(path, headers=AGENT)

    assert (ticket["status"], ticket["priority"], ticket["number"]) == ("open", "urgent", 1)
    assert ticket["allowed_actions"] == ["reply", "solve"]
    assert [answer.status_code for answer in (replied, noted, solved, closed)] == [201, 201, 200, 200]
    assert [answer.json()["status"] for answer in (replied, noted, solved, closed)] == [
        "pending",
        "pending",
        "solved",
        "closed",
    ]
    assert solved.json()["allowed_actions"] == ["reply", "close", "reopen"]
    history = read.json()["history"]
    assert [line["kind"] for line in history] == ["opened", "replied", "replied", "solved", "closed"]
    assert history[0]["actor"] == {"kind": "staff", "id": "agent-1"}
    assert history[3]["body"] == "换货"
    assert [event.type.split(".")[2] for event in await published(tickets.db)] == [
        "opened",
        "replied",
        "status_changed",
        "replied",
        "status_changed",
        "solved",
        "status_changed",
        "closed",
    ]


async def test_events_carry_no_text_of_a_person(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        await opened(client, buyer)

    assert "破损" not in str(await published(tickets.db))


async def test_a_state_that_does_not_allow_it_refuses(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        path = f"/v1/tickets/{(await opened(client, buyer))['id']}"
        close = await client.post(f"{path}/close", headers=AGENT)
        reopen = await client.post(f"{path}/reopen", headers=AGENT)
        await client.post(f"{path}/solve", json={"resolution": "换货"}, headers=AGENT)
        await client.post(f"{path}/close", headers=AGENT)
        reply = await client.post(f"{path}/replies", json={"body": "?"}, headers=AGENT)

    for answer in (close, reopen, reply):
        assert (answer.status_code, answer.json()["code"]) == (409, "tickets.illegal-transition")
    assert close.json()["allowed_actions"] == ["reply", "solve"]
    assert reply.json()["ticket_status"] == "closed"


async def test_the_same_key_opens_one_ticket_however_often_it_comes(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    headers = AGENT | {"Idempotency-Key": "call-17"}
    async with client_for(SERVICE, tickets.db, clock) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/tickets", json=a_complaint(buyer), headers=headers) for _ in range(5))
        )
        other = await client.post("/v1/tickets", json=a_complaint(buyer, subject="另一个"), headers=headers)
        listed = await client.get("/v1/tickets", headers=AGENT)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == ["", *["true"] * 4]
    assert other.status_code == 422
    assert len(listed.json()["items"]) == 1


async def test_lists_are_filtered_and_paged_newest_first(tickets: TestDatabase, clock: FrozenClock):
    one, other = await known(tickets, clock, 2)
    async with client_for(SERVICE, tickets.db, clock) as client:
        for _ in range(3):
            await opened(client, one)
        await opened(client, other, kind="question")
        first = (await client.get(f"/v1/tickets?customer_id={one}&limit=2", headers=AGENT)).json()
        path = f"/v1/tickets?customer_id={one}&limit=2&cursor={first['next_cursor']}"
        second = (await client.get(path, headers=AGENT)).json()
        questions = (await client.get("/v1/tickets?kind=question&status=open", headers=AGENT)).json()
        solved = (await client.get("/v1/tickets?status=solved", headers=AGENT)).json()

    assert [item["number"] for item in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert [item["customer_id"] for item in questions["items"]] == [str(other)]
    assert solved["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "praise"},
        {"channel": "fax"},
        {"priority": "asap"},
        {"subject": "  "},
        {"subject": "x" * 201},
        {"body": ""},
        {"customer_id": "4711"},
        {"status": "closed"},
    ],
)
async def test_a_malformed_ticket_is_refused_by_name(wrong: dict[str, Any], tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        answer = await client.post("/v1/tickets", json=a_complaint(buyer, **wrong), headers=AGENT)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}" for name in wrong]


async def test_who_may_do_what(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        ticket = await opened(client, buyer, headers=key("tickets:write", id="shop"))
        path = f"/v1/tickets/{ticket['id']}"
        reader = staff("tickets:read")
        read = await client.get(path, headers=reader)
        write = await client.post(f"{path}/solve", json={"resolution": "x"}, headers=reader)
        nobody = await client.get(path)
        unknown = await client.get(f"/v1/tickets/{uuid7()}", headers=reader)
        nowhere = await client.post(
            "/v1/tickets", json=a_complaint(UUID("00000000-0000-7000-8000-000000000001")), headers=AGENT
        )

    assert read.json()["allowed_actions"] == []
    assert [answer.status_code for answer in (write, nobody, unknown, nowhere)] == [403, 401, 404, 404]
    assert (unknown.json()["code"], nowhere.json()["code"]) == ("tickets.unknown", "customers.unknown")


async def test_a_customer_sees_his_own_without_notes_and_follow_ups(tickets: TestDatabase, clock: FrozenClock):
    own, other = await known(tickets, clock, 2)
    await deliver(SERVICE, tickets.db, [raised(own)], clock)
    me = customer(own)
    async with client_for(SERVICE, tickets.db, clock) as client:
        mine = await opened(client, own, channel="app", headers=me)
        foreign = await opened(client, other)
        follow_up = (await client.get("/v1/tickets?kind=follow_up", headers=AGENT)).json()["items"][0]
        await client.post(f"/v1/tickets/{mine['id']}/replies", json={"body": "好的"}, headers=AGENT)
        await client.post(
            f"/v1/tickets/{mine['id']}/replies", json={"body": "难缠", "visibility": "internal"}, headers=AGENT
        )
        listed = (await client.get("/v1/tickets", headers=me)).json()
        read = (await client.get(f"/v1/tickets/{mine['id']}", headers=me)).json()
        hidden = [
            (await client.get(path, headers=me)).status_code
            for path in (
                f"/v1/tickets/{foreign['id']}",
                f"/v1/tickets/{follow_up['id']}",
                f"/v1/tickets?customer_id={other}",
            )
        ]

    assert [item["id"] for item in listed["items"]] == [mine["id"]]
    assert [line["body"] for line in read["history"]] == [None, "好的"]
    assert [line["actor"] for line in read["history"]] == [
        {"kind": "customer", "id": str(own)},
        {"kind": "staff", "id": None},
    ]
    assert read["allowed_actions"] == ["reply"]
    assert hidden == [404, 404, 404]


async def test_a_customer_opens_replies_and_reopens_and_nothing_else(tickets: TestDatabase, clock: FrozenClock):
    own, other = await known(tickets, clock, 2)
    me = customer(own)
    async with client_for(SERVICE, tickets.db, clock) as client:
        path = f"/v1/tickets/{(await opened(client, own, headers=me))['id']}"
        foreign = f"/v1/tickets/{(await opened(client, other))['id']}"
        solve = {"json": {"resolution": "x"}, "headers": me}
        refused = [
            (await client.post(f"{path}/solve", **solve)).status_code,
            (await client.post(f"{path}/close", headers=me)).status_code,
            (
                await client.post(f"{path}/replies", json={"body": "x", "visibility": "internal"}, headers=me)
            ).status_code,
            (await client.post("/v1/tickets", json=a_complaint(own, kind="follow_up"), headers=me)).status_code,
        ]
        unseen = [
            (await client.post(f"{foreign}/solve", **solve)).status_code,
            (await client.post(f"{foreign}/replies", json={"body": "x"}, headers=me)).status_code,
            (await client.post(f"{foreign}/reopen", headers=me)).status_code,
            (await client.post("/v1/tickets", json=a_complaint(other), headers=me)).status_code,
        ]
        await client.post(f"{path}/solve", json={"resolution": "换货"}, headers=AGENT)
        reopened = await client.post(f"{path}/reopen", headers=me)
        await client.post(f"{path}/solve", json={"resolution": "换货"}, headers=AGENT)
        replied = await client.post(f"{path}/replies", json={"body": "还是坏的"}, headers=me)

    assert refused == [403, 403, 403, 403]
    assert unseen == [404, 404, 404, 404]
    assert (reopened.json()["status"], replied.json()["status"]) == ("open", "open")


async def test_row_level_security_holds_where_a_filter_is_forgotten(tickets: TestDatabase, clock: FrozenClock):
    own, other = await known(tickets, clock, 2)
    await deliver(SERVICE, tickets.db, [raised(own), raised(other)], clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        mine = await opened(client, own)
        await opened(client, other)
        note = {"body": "内部", "visibility": "internal"}
        await client.post(f"/v1/tickets/{mine['id']}/replies", json=note, headers=AGENT)

    async with tickets.db.transaction(customer=own) as tx:
        seen = await tx.all("SELECT id FROM ticket")
        lines = await tx.all("SELECT kind FROM ticket_entry")

    assert [str(row.id) for row in seen] == [mine["id"]]
    assert [row.kind for row in lines] == ["opened"]


async def test_a_token_of_the_merged_customer_is_good_for_the_survivor(tickets: TestDatabase, clock: FrozenClock):
    gone, survivor = await known(tickets, clock, 2)
    async with client_for(SERVICE, tickets.db, clock) as client:
        ticket = await opened(client, gone)
        await deliver(SERVICE, tickets.db, [merged(gone, survivor)], clock)
        by_gone = (await client.get("/v1/tickets", headers=customer(gone))).json()
        filtered = (await client.get(f"/v1/tickets?customer_id={gone}", headers=AGENT)).json()
        again = await opened(client, gone)

    assert [item["id"] for item in by_gone["items"]] == [ticket["id"]]
    assert [item["customer_id"] for item in filtered["items"]] == [str(survivor)]
    assert again["customer_id"] == str(survivor)


async def test_a_follow_up_is_not_reopened_beside_another(tickets: TestDatabase, clock: FrozenClock):
    [buyer] = await known(tickets, clock)
    await deliver(SERVICE, tickets.db, [raised(buyer)], clock)
    async with client_for(SERVICE, tickets.db, clock) as client:
        first = (await client.get("/v1/tickets", headers=AGENT)).json()["items"][0]
        path = f"/v1/tickets/{first['id']}"
        await client.post(f"{path}/solve", json={"resolution": "已致电"}, headers=AGENT)
        await deliver(SERVICE, tickets.db, [raised(buyer)], clock)
        answer = await client.post(f"{path}/reopen", headers=AGENT)

    assert (answer.status_code, answer.json()["code"]) == (409, "tickets.another-is-open")
