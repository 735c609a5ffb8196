"""Consents and contacts: kept, published, and told at the moment of sending."""

from uuid import UUID, uuid4

import pytest

from customer_svc.features import SERVICE
from moat.kit.testing import deliver, published
from moat.kit.testing.callers import customer, key, staff

from .builders import activity, paid, profile

READ = staff("customers:read")
WRITE = staff("customers:read", "customers:write")
LOOKUP = key("contacts:read")


async def known(db, clock, *names: str) -> UUID:
    await deliver(SERVICE, db, [paid(f"o-{names[0]}", *names)], clock)
    return next(event.about for event in reversed(await published(db)) if event.type == "moat.order.paid.v1")


async def test_consent_is_kept_published_and_told_at_the_moment_of_sending(db, client, clock):
    id_ = await known(db, clock, "main/customer_id/1", "x/email/id@b.cn")
    await deliver(SERVICE, db, [profile({"emails": ["File@B.cn"], "locale": "en"}, "main/customer_id/1")], clock)
    url = f"/v1/customers/{id_}/consents/care/email"

    for status in ("granted", "granted", "revoked"):
        answer = await client.put(url, json={"status": status, "evidence": "call 7"}, headers=WRITE)
        assert answer.status_code == 200
    unknown = str(uuid4())
    found = await client.post("/v1/contacts/lookup", json={"ids": [unknown, str(id_)]}, headers=LOOKUP)

    (contact,) = found.json()["items"]
    assert (contact["id"], contact["emails"], contact["locale"]) == (str(id_), ["file@b.cn", "id@b.cn"], "en")
    assert contact["consents"] == [{"purpose": "care", "channel": "email", "status": "revoked"}]
    said = [e.data["status"] for e in await published(db) if e.type == "moat.customer.consent_changed.v1"]
    assert said == ["granted", "revoked"]
    kept = (await client.get(f"/v1/customers/{id_}/consents", headers=READ)).json()["items"]
    assert [(one["purpose"], one["status"], one["evidence"]) for one in kept] == [("care", "revoked", "call 7")]


async def test_consents_and_contacts_follow_a_merge(db, client, clock):
    one, two = await known(db, clock, "a/customer_id/1"), await known(db, clock, "b/customer_id/1")
    await client.put(f"/v1/customers/{one}/consents/care/email", json={"status": "granted"}, headers=WRITE)
    clock.set(clock.now().replace(second=1))
    await client.put(f"/v1/customers/{two}/consents/care/email", json={"status": "denied"}, headers=WRITE)
    await client.put(f"/v1/customers/{two}/consents/news/sms", json={"status": "granted"}, headers=WRITE)

    await deliver(SERVICE, db, [activity("seen", "a/customer_id/1", "b/customer_id/1")], clock)

    found = await client.post("/v1/contacts/lookup", json={"ids": [str(one), str(two)]}, headers=LOOKUP)
    first, second = found.json()["items"]
    assert (first["id"], second["id"], second["customer_id"]) == (str(one), str(two), str(one))
    assert first["consents"] == second["consents"]
    assert [(c["purpose"], c["status"]) for c in first["consents"]] == [("care", "denied"), ("news", "granted")]
    assert (await client.get(f"/v1/customers/{one}", headers=customer(two))).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("care/email", {"status": "maybe"}),
        ("care/email", {}),
        ("Care!/email", {"status": "granted"}),
        ("care/email", {"status": "granted", "x": 1}),
    ],
)
async def test_bad_consents_are_refused(db, client, clock, path, body):
    id_ = await known(db, clock, "main/customer_id/1")

    answer = await client.put(f"/v1/customers/{id_}/consents/{path}", json=body, headers=WRITE)

    assert answer.status_code == 422


async def test_at_most_five_hundred_contacts_at_once(client):
    answer = await client.post("/v1/contacts/lookup", json={"ids": [str(uuid4())] * 501}, headers=LOOKUP)

    assert answer.status_code == 422
