"""Undoing a merge: what goes back, what stays, what is refused, and that no fact joins the two again."""

import asyncio
from uuid import UUID, uuid4

import pytest

from customer_svc.features import SERVICE
from moat.contracts.loyalty import PointsEarned
from moat.kit.ids import uuid7
from moat.kit.testing import deliver, published
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.events import an_event

from .builders import activity, paid, placed, profile, refunded

WRITE = staff("customers:read", "customers:write")
WANG, LI, PHONE = "main/customer_id/1", "west/user_id/2", "x/phone/13800138000"


async def owner(client, name: str) -> UUID:
    system, kind, value = name.split("/")
    answer = await client.get("/v1/customers", params={"system": system, "kind": kind, "value": value}, headers=WRITE)
    (item,) = answer.json()["items"]
    return UUID(item["id"])


async def file_of(client, id_) -> dict:
    answer = await client.get(f"/v1/customers/{id_}", headers=WRITE)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def orders_of(client, id_) -> set[str]:
    answer = await client.get(f"/v1/customers/{id_}/orders", headers=WRITE)
    return {item["order_id"] for item in answer.json()["items"]}


async def split(client, into, from_id, *, preview: bool = False, headers=WRITE):
    path = f"/v1/customers/{into}/split" + ("/preview" if preview else "")
    return await client.post(path, json={"from_id": str(from_id)}, headers=headers)


async def two_made_one(db, client, clock) -> tuple[UUID, UUID]:
    """Wang, the older, and Li, who was joined to him; each with a file, consents and orders."""
    await deliver(
        SERVICE, db, [paid("w1", WANG, total=5000), profile({"name": "王伟", "locale": "zh-CN"}, WANG)], clock
    )
    li_has = profile({"name": "李娜", "emails": ["li@example.cn"], "birthday": "1990-05-05"}, LI, day=1)
    await deliver(SERVICE, db, [paid("l1", LI, total=3000, day=1), li_has, paid("l2", LI, total=2000, day=2)], clock)
    wang, li = await owner(client, WANG), await owner(client, LI)
    for who, status in ((wang, "granted"), (li, "denied")):
        url = f"/v1/customers/{who}/consents/care/email"
        assert (await client.put(url, json={"status": status}, headers=WRITE)).status_code == 200
    points = PointsEarned(posting_id=uuid7(), account_type="points", amount=30, balance_after=30)
    await deliver(SERVICE, db, [an_event(points, about=li)], clock)
    await deliver(SERVICE, db, [activity("joined", WANG, LI, day=3)], clock)
    assert await owner(client, LI) == wang
    return wang, li


async def test_a_split_gives_back_what_was_his_and_leaves_the_rest(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await deliver(SERVICE, db, [paid("l3", LI, day=4, total=700), paid("w2", WANG, day=4, total=900)], clock)
    assert (await file_of(client, wang))["name"] == "李娜"

    answer = await split(client, wang, li)

    assert answer.status_code == 200, answer.text
    his, own = await file_of(client, li), await file_of(client, wang)
    assert (his["name"], his["emails"], his["birthday"], his["orders_count"]) == (
        "李娜",
        ["li@example.cn"],
        "1990-05-05",
        3,
    )
    assert his["spent"] == [{"currency": "CNY", "amount_minor": 5700}]
    assert (own["name"], own["emails"], own["birthday"], own["orders_count"]) == ("王伟", [], None, 2)
    assert own["spent"] == [{"currency": "CNY", "amount_minor": 5900}]
    assert await orders_of(client, li) == {"l1", "l2", "l3"}
    assert await orders_of(client, wang) == {"w1", "w2"}
    assert [one["value"] for one in his["identifiers"]] == ["2"]
    assert [one["value"] for one in own["identifiers"]] == ["1"]
    for who, status in ((wang, "granted"), (li, "denied")):
        (said,) = (await client.get(f"/v1/customers/{who}/consents", headers=WRITE)).json()["items"]
        assert said["status"] == status


async def test_a_split_is_told_by_ids_and_stands_in_both_timelines(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await split(client, wang, li)

    told = [event for event in await published(db) if event.type == "moat.customer.split.v1"]
    (event,) = told
    async with db.transaction() as tx:
        merge_id = await tx.scalar("SELECT id FROM outbox WHERE type = 'moat.customer.merged.v1'")
        uids = await tx.all("SELECT order_uid FROM customer_order WHERE customer_id = :id", id=li)
        action = await tx.one("SELECT actor, subject FROM audit WHERE action = 'customer.split'")
    assert event.about == wang
    assert (event.data["from_id"], event.data["merge_id"], event.data["former_ids"]) == (str(li), str(merge_id), [])
    assert {*event.data["order_uids"]} == {str(row.order_uid) for row in uids}
    assert "李娜" not in str(event.data)
    assert action.subject == f"customer/{wang}"
    for who, other in ((wang, li), (li, wang)):
        items = (await client.get(f"/v1/customers/{who}/timeline", headers=WRITE)).json()["items"]
        assert "与另一份客户档案拆分" in [item["title"] for item in items]
        assert {item["data"].get("order_id") for item in items if item["kind"] == "order.paid"} == (
            {"w1"} if who == wang else {"l1", "l2"}
        )
        assert ("points.earned" in {item["kind"] for item in items}) == (who == li)
        assert str(other) in str(items)


async def test_a_preview_says_what_would_move_and_moves_nothing(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    events = len(await published(db))

    foreseen = await split(client, wang, li, preview=True)
    again = await split(client, wang, li, preview=True)
    done = await split(client, wang, li)

    assert foreseen.json() == again.json() == done.json()
    body = foreseen.json()
    assert (body["survivor_id"], body["customer_id"], body["orders_count"]) == (str(wang), str(li), 2)
    assert [one["order_id"] for one in body["orders"]] == ["l2", "l1"]
    assert body["identifiers"] == [{"system": "west", "kind": "user_id", "value": "2"}]
    assert body["consents"] == [{"purpose": "care", "channel": "email", "status": "denied"}]
    assert body["fields"] == ["name", "birthday", "emails"]
    assert len(await published(db)) > events


async def test_what_was_written_since_the_merge_stays_with_the_survivor(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await deliver(SERVICE, db, [profile({"name": "王大伟"}, WANG, day=5)], clock)

    await split(client, wang, li)

    assert (await file_of(client, wang))["name"] == "王大伟"
    assert (await file_of(client, li))["name"] == "李娜"


async def test_no_fact_joins_the_two_again_but_it_becomes_a_proposal(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await split(client, wang, li)

    await deliver(SERVICE, db, [paid("w3", WANG, PHONE, day=6), paid("l4", LI, PHONE, day=7)], clock)
    await deliver(SERVICE, db, [activity("again", WANG, LI, day=8)], clock)

    assert (await owner(client, WANG), await owner(client, LI)) == (wang, li)
    assert await orders_of(client, li) == {"l1", "l2", "l4"}
    proposals = [event for event in await published(db) if event.type == "moat.customer.merge_proposed.v1"]
    assert [{str(one.about), one.data["other_id"]} for one in proposals] == [{str(wang), str(li)}]


async def test_who_was_parted_from_one_is_parted_from_whom_that_one_becomes(db, client, clock):
    await deliver(SERVICE, db, [paid("z1", "east/openid/3")], clock)
    wang, li = await two_made_one(db, client, clock)
    await split(client, wang, li)
    await deliver(SERVICE, db, [activity("zhao is wang", "east/openid/3", WANG, day=6)], clock)
    zhao = await owner(client, WANG)
    assert zhao == await owner(client, "east/openid/3") != wang

    await deliver(SERVICE, db, [activity("zhao is li", "east/openid/3", LI, day=7)], clock)

    assert (await owner(client, LI), await owner(client, WANG)) == (li, zhao)


async def test_only_the_last_merge_of_a_chain_is_undone_first(db, client, clock):
    await deliver(SERVICE, db, [paid("z1", "east/openid/3", total=100)], clock)
    wang, li = await two_made_one(db, client, clock)
    await deliver(SERVICE, db, [activity("one more", "east/openid/3", WANG, day=5), paid("l5", LI, day=6)], clock)
    zhao = await owner(client, "east/openid/3")
    assert await owner(client, LI) == zhao

    early = await split(client, zhao, li)
    first = await split(client, zhao, wang)
    assert (await owner(client, WANG), await owner(client, LI)) == (wang, wang)
    then = await split(client, wang, li)

    assert (early.status_code, early.json()["type"], early.json()["merged_into"]) == (
        409,
        "urn:moat:customers.merged_on",
        str(wang),
    )
    assert first.json()["former_ids"] == [str(li)]
    assert then.status_code == 200
    assert await owner(client, LI) == li
    assert await orders_of(client, zhao) == {"z1"}
    assert await orders_of(client, wang) == {"w1"}
    assert await orders_of(client, li) == {"l1", "l2", "l5"}


async def test_what_was_never_merged_or_is_parted_already_is_refused(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await deliver(SERVICE, db, [paid("z1", "east/openid/3")], clock)
    zhao = await owner(client, "east/openid/3")

    assert (await split(client, wang, zhao)).status_code == 404
    assert (await split(client, zhao, li)).status_code == 404
    assert (await split(client, wang, wang)).status_code == 404
    assert (await split(client, uuid4(), li)).status_code == 404
    assert (await split(client, wang, li)).status_code == 200
    again = await split(client, wang, li)
    assert (again.status_code, again.json()["type"]) == (409, "urn:moat:customers.already_split")
    assert (await client.post(f"/v1/customers/{wang}/split", json={}, headers=WRITE)).status_code == 422


@pytest.mark.parametrize("preview", [True, False])
async def test_only_staff_who_may_write_part_customers(db, client, clock, preview):
    wang, li = await two_made_one(db, client, clock)

    assert (await split(client, wang, li, preview=preview, headers={})).status_code == 401
    assert (await split(client, wang, li, preview=preview, headers=staff("customers:read"))).status_code == 403
    assert (await split(client, wang, li, preview=preview, headers=customer(wang))).status_code == 403


async def test_a_split_sent_again_is_answered_as_before(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    headers = WRITE | {"Idempotency-Key": "once"}

    first, second = [await split(client, wang, li, headers=headers) for _ in range(2)]

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_facts_at_the_moment_of_a_split_land_on_one_of_the_two_and_are_told_of_him(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    facts = [paid(f"n{n}", LI, day=9, total=100) for n in range(12)]

    await asyncio.gather(*(deliver(SERVICE, db, [fact], clock) for fact in facts[:6]), split(client, wang, li))
    await asyncio.gather(*(deliver(SERVICE, db, [fact], clock) for fact in facts[6:]))

    assert await orders_of(client, li) == {"l1", "l2", *(f"n{n}" for n in range(12))}
    assert (await file_of(client, li))["orders_count"] == 14
    assert (await file_of(client, wang))["orders_count"] == 1


async def test_refunds_and_payments_after_a_split_go_where_the_order_is(db, client, clock):
    wang, li = await two_made_one(db, client, clock)
    await deliver(SERVICE, db, [placed("l9", LI, day=4)], clock)
    await split(client, wang, li)

    await deliver(SERVICE, db, [refunded("l1", LI, amount=1000, day=10), paid("l9", LI, day=11)], clock)

    told = [event for event in await published(db) if event.type in ("moat.order.refunded.v1", "moat.order.paid.v1")]
    assert [event.about for event in told[-2:]] == [li, li]
    assert (await file_of(client, li))["spent"] == [{"currency": "CNY", "amount_minor": 5000}]
