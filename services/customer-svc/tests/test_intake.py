"""The straight line: raw facts become customers, orders, facts, timelines and canonical events."""

import pytest

from customer_svc.features import SERVICE
from moat.kit.testing import deliver, published
from moat.kit.testing.callers import staff

from .builders import activity, cancelled, paid, placed, profile, refunded, shipped

READ = staff("customers:read")


async def found(client, name: str) -> dict:
    system, kind, value = name.split("/", 2)
    answer = await client.get("/v1/customers", params={"system": system, "kind": kind, "value": value}, headers=READ)
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    return item


async def types(db) -> list[str]:
    return [event.type for event in await published(db)]


async def test_a_paid_order_makes_a_customer_an_order_and_events(db, client, clock):
    event = paid(
        "o-1", "main/customer_id/00004", "phone/138 0013 8000", total=2933, lines=[{"sku": "cd", "amount_minor": 2933}]
    )

    await deliver(SERVICE, db, [event], clock)

    customer = await found(client, "main/customer_id/00004")
    assert customer["orders_count"] == 1
    assert customer["spent"] == [{"currency": "CNY", "amount_minor": 2933}]
    assert {"system": None, "kind": "phone", "value": "+8613800138000"} in customer["identifiers"]
    orders = (await client.get(f"/v1/customers/{customer['id']}/orders", headers=READ)).json()["items"]
    assert [(o["order_id"], o["status"], o["source"]) for o in orders] == [("o-1", "paid", "/shops/main")]
    created, order_paid = await published(db)
    assert (created.type, order_paid.type) == ("moat.customer.created.v1", "moat.order.paid.v1")
    assert str(order_paid.about) == customer["id"]
    assert order_paid.data["lines"][0]["sku"] == "cd"
    assert "138" not in str(order_paid.data)


async def test_a_fact_that_comes_twice_changes_nothing_even_without_the_inbox(db, client, clock):
    event = paid("o-1", "main/customer_id/4")
    await deliver(SERVICE, db, [event, event], clock)
    before = await published(db)
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM inbox")

    await deliver(SERVICE, db, [event], clock)

    assert await published(db) == before
    assert (await found(client, "main/customer_id/4"))["orders_count"] == 1


async def test_a_refund_before_its_order_counts_once_the_order_is_paid(db, client, clock):
    await deliver(SERVICE, db, [refunded("o-1", "main/customer_id/4", amount=300)], clock)
    assert (await found(client, "main/customer_id/4"))["spent"] == []

    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/4", total=1000)], clock)

    assert (await found(client, "main/customer_id/4"))["spent"] == [{"currency": "CNY", "amount_minor": 700}]


async def test_what_came_before_the_payment_follows_the_one_who_paid(db, client, clock):
    await deliver(SERVICE, db, [placed("o-1", "main/customer_id/1"), shipped("o-1", "main/customer_id/1")], clock)

    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/2")], clock)

    first, second = await found(client, "main/customer_id/1"), await found(client, "main/customer_id/2")
    kinds = [
        item["kind"]
        for item in (await client.get(f"/v1/customers/{second['id']}/timeline?kind=order", headers=READ)).json()[
            "items"
        ]
    ]
    assert sorted(kinds) == ["order.paid", "order.placed", "order.shipped"]
    assert (await client.get(f"/v1/customers/{first['id']}/orders", headers=READ)).json()["items"] == []


async def test_blocked_identifiers_name_nobody_and_the_fact_is_kept(db, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/0", "phone/null", "email/ Anonymous ")], clock)

    assert await published(db) == []
    async with db.transaction() as tx:
        row = await tx.one("SELECT customer_id, data FROM fact")
    assert row.customer_id is None
    assert row.data["order_id"] == "o-1"


async def test_one_phone_joins_two_who_were_known_apart(db, client, clock):
    await deliver(SERVICE, db, [paid("o-1", "phone/13800138000", total=100)], clock)
    await deliver(SERVICE, db, [paid("o-2", "main/customer_id/7", total=200)], clock)
    phone, id7 = await found(client, "x/phone/13800138000"), await found(client, "main/customer_id/7")

    await deliver(SERVICE, db, [activity("visited", "main/customer_id/7", "phone/+86 138 0013 8000")], clock)

    joined = await found(client, "main/customer_id/7")
    assert joined["id"] == phone["id"]
    assert (joined["orders_count"], joined["spent"]) == (2, [{"currency": "CNY", "amount_minor": 300}])
    merged_away = await client.get(f"/v1/customers/{id7['id']}", headers=READ)
    assert merged_away.json()["id"] == phone["id"]
    orders = (await client.get(f"/v1/customers/{id7['id']}/orders", headers=READ)).json()["items"]
    assert {o["order_id"] for o in orders} == {"o-1", "o-2"}
    (merge,) = [event for event in await published(db) if event.type == "moat.customer.merged.v1"]
    assert (str(merge.about), merge.data) == (phone["id"], {"from_id": id7["id"]})
    async with db.transaction() as tx:
        before = await tx.scalar("SELECT before FROM merge")
    assert before["identifiers"] == [{"kind": "customer_id", "value": "7", "system": "main"}]
    assert len(before["orders"]) == 1


async def test_two_who_are_both_proven_are_proposed_and_not_joined(db, client, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1", "phone/13800138000")], clock)
    await deliver(SERVICE, db, [paid("o-2", "main/customer_id/2")], clock)

    await deliver(SERVICE, db, [paid("o-3", "main/customer_id/2", "phone/13800138000")], clock)

    assert (await found(client, "main/customer_id/1"))["orders_count"] == 1
    assert (await found(client, "main/customer_id/2"))["orders_count"] == 2
    async with db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM merge_proposal") == 1
    await deliver(SERVICE, db, [activity("seen", "main/customer_id/2", "phone/13800138000")], clock)
    proposed = [event for event in await published(db) if event.type == "moat.customer.merge_proposed.v1"]
    assert len(proposed) == 1
    pair = {str(event.about) for event in await published(db) if event.type == "moat.customer.created.v1"}
    assert {str(proposed[0].about), proposed[0].data["other_id"]} == pair


async def test_the_newest_word_on_a_field_stays_whatever_arrives_last(db, client, clock):
    await deliver(SERVICE, db, [profile({"name": "王小明", "emails": ["A@B.cn"]}, "main/customer_id/1", day=2)], clock)

    await deliver(SERVICE, db, [profile({"name": "老王", "gender": "male"}, "main/customer_id/1", day=1)], clock)

    customer = await found(client, "main/customer_id/1")
    assert (customer["name"], customer["gender"], customer["emails"]) == ("王小明", "male", ["a@b.cn"])


async def test_a_second_payment_with_another_total_is_refused_and_the_same_is_no_news(db, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1", total=100)], clock)
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1", total=100)], clock)
    assert (await types(db)).count("moat.order.paid.v1") == 1

    with pytest.raises(Exception, match="paid already") as refusal:
        await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1", total=101)], clock)

    assert refusal.value.code == "order.already_paid"


async def test_a_cancelled_order_takes_nothing_back(db, client, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1"), cancelled("o-1", "main/customer_id/1")], clock)

    customer = await found(client, "main/customer_id/1")
    assert customer["spent"] == [{"currency": "CNY", "amount_minor": 1000}]


async def test_a_fact_far_ahead_is_refused_and_one_a_little_ahead_is_now(db, client, clock):
    with pytest.raises(Exception, match="lies ahead"):
        await deliver(SERVICE, db, [activity("a", "main/customer_id/1", day=30)], clock)

    event = activity("a", "main/customer_id/1")
    event.time = clock.now().replace(minute=4)
    await deliver(SERVICE, db, [event], clock)

    assert (await found(client, "main/customer_id/1"))["first_seen_at"] == "2026-11-20T08:00:00Z"
