from datetime import timedelta

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.loyalty import TierUpgraded
from moat.contracts.scoring import RiskRaised
from moat.kit.ids import uuid7
from moat.kit.testing import callers
from moat.kit.testing.batches import deliver, published
from moat.kit.testing.events import an_event
from moat.kit.testing.web import client_for
from notify_svc.features import SERVICE

RISK = RiskRaised(score=85, band="high", value_minor=12_000, value_currency="CNY")


async def rows(db):
    async with db.transaction() as tx:
        return await tx.all("SELECT * FROM message ORDER BY id")


async def test_a_paid_order_is_thanked_for_in_the_inbox_and_waits_for_its_mail(database, clock, an_order):
    await deliver(SERVICE, database.db, [an_order()], clock)

    assert [(row.channel, row.status, row.template) for row in await rows(database.db)] == [
        ("inbox", "delivered", "order_receipt"),
        ("email", "deferred", "order_receipt"),
    ]
    assert [event.type for event in await published(database.db)] == ["moat.message.delivered.v1"]


async def test_loaded_history_writes_to_nobody_says_why_and_makes_no_noise(database, clock, an_order):
    old = an_order(time=clock.now() - timedelta(hours=49))

    await deliver(SERVICE, database.db, [old], clock)

    (row,) = await rows(database.db)
    assert (row.status, row.reason) == ("suppressed", "stale")
    assert await published(database.db) == []


async def test_the_same_order_told_of_by_another_event_is_thanked_for_once(database, clock, an_order):
    first = an_order()
    again = an_event(first.data, about=first.about)

    await deliver(SERVICE, database.db, [first, again], clock)
    await deliver(SERVICE, database.db, [an_event(first.data, about=first.about)], clock)

    assert len(await rows(database.db)) == 2


async def test_a_raised_risk_and_a_new_tier_have_words_of_their_own(database, clock):
    customer = uuid7()
    up = TierUpgraded(from_tier="member", to_tier="silver", growth=200)

    await deliver(SERVICE, database.db, [an_event(RISK, about=customer), an_event(up, about=customer)], clock)

    templates = {(row.template, row.channel) for row in await rows(database.db)}
    assert templates == {(t, c) for t in ("risk_care", "tier_congratulations") for c in ("inbox", "email")}


async def test_messages_follow_a_merge_whatever_comes_first(database, clock, an_order):
    gone, survivor = uuid7(), uuid7()
    merged = an_event(CustomerMerged(from_id=gone), about=survivor)

    await deliver(SERVICE, database.db, [an_order("before", about=gone)], clock)
    await deliver(SERVICE, database.db, [an_order("with", about=gone), merged], clock)
    await deliver(SERVICE, database.db, [an_order("after", about=gone)], clock)

    assert {row.customer_id for row in await rows(database.db)} == {survivor}


async def test_a_split_gives_messages_back_and_those_about_his_orders_go_with_them(database, clock, an_order):
    gone, survivor = uuid7(), uuid7()
    merged = an_event(CustomerMerged(from_id=gone), about=survivor)
    his, own = an_order("since", about=survivor), an_order("own", about=survivor)
    data = CustomerSplit(from_id=gone, merge_id=merged.id, order_uids=(his.data.order_uid,))
    await deliver(SERVICE, database.db, [an_order("before", about=gone)], clock)
    await deliver(SERVICE, database.db, [merged, his, own], clock)

    await deliver(SERVICE, database.db, [an_event(data, about=survivor)], clock)

    whose = {row.values["order_id"]: row.customer_id for row in await rows(database.db)}
    assert whose == {"before": gone, "since": gone, "own": survivor}


async def test_staff_read_a_customers_messages_page_by_page(database, clock, an_order):
    customer = uuid7()
    created = an_event(CustomerCreated(), about=customer)
    await deliver(SERVICE, database.db, [created, *(an_order(f"o-{n}", about=customer) for n in range(3))], clock)

    async with client_for(SERVICE, database.db, clock) as client:
        headers = callers.staff("messages:read")
        first = (await client.get(f"/v1/customers/{customer}/messages?limit=4", headers=headers)).json()
        cursor = first["next_cursor"]
        second = (
            await client.get(f"/v1/customers/{customer}/messages", params={"cursor": cursor}, headers=headers)
        ).json()
        broken = await client.get(f"/v1/customers/{customer}/messages?cursor=x", headers=headers)

    ids = [item["id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == 6
    assert second["next_cursor"] is None
    assert broken.status_code == 422


async def test_a_customer_reads_his_inbox_and_nobody_elses(database, clock, an_order):
    one, other = uuid7(), uuid7()
    known = [an_event(CustomerCreated(), about=who) for who in (one, other)]
    orders = [an_order("mine", about=one), an_order("mine-2", about=one), an_order("theirs", about=other)]
    await deliver(SERVICE, database.db, [*known, *orders], clock)

    async with client_for(SERVICE, database.db, clock) as client:
        mine = callers.customer(one)
        inbox = (await client.get("/v1/inbox", headers=mine | {"Accept-Language": "en"})).json()["items"]
        theirs = (await client.get("/v1/inbox", headers=callers.customer(other))).json()["items"]
        foreign = await client.post(f"/v1/inbox/{theirs[0]['id']}/read", headers=mine)
        read = await client.post(f"/v1/inbox/{inbox[0]['id']}/read", headers=mine)
        after = (await client.get("/v1/inbox", headers=mine)).json()["items"]
        staff = await client.get("/v1/inbox", headers=callers.staff("messages:read"))
        peek = await client.get(f"/v1/customers/{other}/messages", headers=mine)

    assert {m["subject"] for m in inbox} == {"Receipt for order mine", "Receipt for order mine-2"}
    assert "29.33 CNY" in inbox[0]["body"]
    assert foreign.status_code == 404
    assert read.json()["read_at"] is not None
    assert [m["id"] for m in after] == [inbox[1]["id"], inbox[0]["id"]]
    assert staff.status_code == 403
    assert peek.status_code == 404


async def test_row_level_security_hides_foreign_messages_even_from_a_query_without_a_filter(database, clock, an_order):
    one, other = uuid7(), uuid7()
    await deliver(SERVICE, database.db, [an_order("mine", about=one), an_order("theirs", about=other)], clock)

    async with database.db.transaction(customer=one) as tx:
        seen = await tx.all("SELECT customer_id FROM message")

    assert {row.customer_id for row in seen} == {one}


async def test_the_summary_counts_messages_by_state_and_reason(database, clock, an_order):
    old = an_order(time=clock.now() - timedelta(hours=49))
    await deliver(SERVICE, database.db, [old, an_order()], clock)

    async with client_for(SERVICE, database.db, clock) as client:
        answer = await client.get("/v1/messages/summary", headers=callers.staff("messages:read"))

    assert answer.json()["messages"] == 3
    assert {(count["status"], count["reason"], count["messages"]) for count in answer.json()["counts"]} == {
        ("suppressed", "stale", 1),
        ("delivered", None, 1),
        ("deferred", None, 1),
    }
