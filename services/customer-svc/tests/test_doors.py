"""The HTTP doors: what is answered, to whom, and what bad input gets."""

from uuid import UUID, uuid4

import pytest

from customer_svc.features import SERVICE
from moat.contracts.engagement import MessageSuppressed
from moat.contracts.loyalty import PointsEarned
from moat.contracts.scoring import RiskRaised
from moat.contracts.tickets import TicketOpened
from moat.kit.ids import uuid7
from moat.kit.testing import deliver, published
from moat.kit.testing.callers import customer, key, staff
from moat.kit.testing.events import an_event

from .builders import activity, paid, profile

READ = staff("customers:read")
WRITE = staff("customers:read", "customers:write")
LOOKUP = key("contacts:read")


async def known(db, clock, *names: str) -> UUID:
    await deliver(SERVICE, db, [paid(f"o-{names[0]}", *names)], clock)
    return next(event.about for event in reversed(await published(db)) if event.type == "moat.order.paid.v1")


async def names_of(client, **query) -> list[str]:
    answer = await client.get("/v1/customers", params=query, headers=READ)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_a_customer_reads_himself_without_what_is_internal(db, client, clock):
    id_ = await known(db, clock, "main/customer_id/1")

    seen = await client.get(f"/v1/customers/{id_}", headers=customer(id_))
    by_staff = await client.get(f"/v1/customers/{id_}", headers=READ)
    orders = await client.get(f"/v1/customers/{id_}/orders", headers=customer(id_))

    assert seen.status_code == by_staff.status_code == 200
    assert set(by_staff.json()) - set(seen.json()) == {"owner_id", "first_seen_at", "version"}
    assert seen.json()["identifiers"] == [{"system": "main", "kind": "customer_id", "value": "1"}]
    assert len(orders.json()["items"]) == 1


ROUTES = [
    ("GET", "/v1/customers/{id}", None),
    ("PATCH", "/v1/customers/{id}", {"name": "x"}),
    ("GET", "/v1/customers/{id}/orders", None),
    ("GET", "/v1/customers/{id}/timeline", None),
    ("GET", "/v1/customers/{id}/consents", None),
    ("PUT", "/v1/customers/{id}/consents/care/email", {"status": "granted"}),
]
FOR_CUSTOMERS = {("GET", "/v1/customers/{id}"), ("GET", "/v1/customers/{id}/orders")}


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_who_may_use_which_route(db, client, clock, method, path, body):
    own, other = await known(db, clock, "main/customer_id/1"), await known(db, clock, "main/customer_id/2")

    async def status(id_, headers):
        url, etag = path.format(id=id_), {"If-Match": '"0"'}
        return (await client.request(method, url, json=body, headers=headers | etag)).status_code

    assert await status(own, {}) == 401
    assert await status(own, staff("tickets:read")) == 403
    assert await status(own, WRITE) == 200
    assert await status(own, customer(own)) == (200 if (method, path) in FOR_CUSTOMERS else 403)
    assert await status(other, customer(own)) == 404
    assert await status(uuid4(), customer(own)) == 404
    assert await status(uuid4(), WRITE) == 404


async def test_lists_and_lookups_are_not_for_customers(db, client, clock):
    own = await known(db, clock, "main/customer_id/1")

    assert (await client.get("/v1/customers", headers=customer(own))).status_code == 403
    lookup = {"ids": [str(own)]}
    assert (await client.post("/v1/contacts/lookup", json=lookup, headers=customer(own))).status_code == 403
    assert (await client.post("/v1/contacts/lookup", json=lookup, headers=WRITE)).status_code == 403


async def test_rows_of_others_are_out_of_reach_under_the_filter_too(db, clock):
    own, other = await known(db, clock, "main/customer_id/1"), await known(db, clock, "main/customer_id/2")

    async with db.transaction(customer=own) as tx:
        for table in ("profile", "identifier", "customer_order", "timeline", "consent"):
            rows = await tx.all(f"SELECT DISTINCT customer_id FROM {table}")
            assert {row.customer_id for row in rows} <= {own}, table
        assert not await tx.all("SELECT 1 FROM profile WHERE customer_id = :id", id=other)


async def test_an_id_made_a_moment_ago_is_on_its_way(client):
    answer = await client.get(f"/v1/customers/{UUID(int=_at_clock())}", headers=READ)

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def _at_clock() -> int:
    # The clock of the tests stands still, so the id is made by hand at its instant.
    milliseconds = 1_795_161_600_000
    return (milliseconds << 80) | (0x7 << 76) | (0x2 << 62) | 7


async def test_an_edit_names_the_version_it_was_made_on(db, client, clock):
    id_ = await known(db, clock, "main/customer_id/1")
    url = f"/v1/customers/{id_}"
    etag = (await client.get(url, headers=WRITE)).headers["ETag"]

    missing = await client.patch(url, json={"name": "王小明"}, headers=WRITE)
    edited = await client.patch(url, json={"name": "王小明", "owner_id": "staff-9"}, headers=WRITE | {"If-Match": etag})
    stale = await client.patch(url, json={"name": "李"}, headers=WRITE | {"If-Match": etag})

    assert (missing.status_code, edited.status_code, stale.status_code) == (428, 200, 412)
    assert (edited.json()["name"], edited.json()["owner_id"]) == ("王小明", "staff-9")
    assert edited.headers["ETag"] != etag
    event = (await published(db))[-1]
    assert (event.type, sorted(event.data["fields"])) == ("moat.customer.profile_updated.v1", ["name", "owner_id"])
    assert "王小明" not in str(event.data)


@pytest.mark.parametrize(
    "body",
    [
        {"orders_count": 7},
        {"gender": "?"},
        {"birthday": "2026-02-31"},
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"name": ""},
        {"name": "a\u0000b"},
        {"emails": ["x"] * 21},
    ],
)
async def test_what_cannot_be_written_is_refused_and_named(db, client, clock, body):
    id_ = await known(db, clock, "main/customer_id/1")

    answer = await client.patch(f"/v1/customers/{id_}", json=body, headers=WRITE | {"If-Match": '"0"'})

    assert answer.status_code == 422
    assert next(iter(body)) in answer.json()["errors"][0]["pointer"]


async def test_search_finds_names_of_two_characters_phones_and_identifiers(db, client, clock):
    facts = [
        profile({"name": "王芳", "phones": ["13900000001"]}, "main/customer_id/11"),
        profile({"name": "王小明"}, "main/customer_id/12", "x/phone/13900000002"),
        profile({"name": "Ann Lee", "emails": ["Ann@Lee.cn"]}, "main/customer_id/13"),
    ]
    await deliver(SERVICE, db, facts, clock)

    assert await names_of(client, q="王芳") == ["王芳"]
    assert await names_of(client, q="小明") == ["王小明"]
    assert set(await names_of(client, q="王")) == {"王芳", "王小明"}
    assert await names_of(client, q="ann l") == ["Ann Lee"]
    assert await names_of(client, q="nnan") == []
    assert await names_of(client, q="139 0000 0001") == ["王芳"]
    assert await names_of(client, q="+8613900000002") == ["王小明"]
    assert await names_of(client, q="ANN@lee.cn") == ["Ann Lee"]
    assert await names_of(client, q="12") == ["王小明"]
    assert await names_of(client, q="%") == []
    assert await names_of(client, q=" ") == []
    assert await names_of(client, system="main", kind="customer_id", value="13") == ["Ann Lee"]
    assert await names_of(client, kind="phone", value="13900000002") == ["王小明"]
    assert await names_of(client, kind="phone", value="null") == []


async def test_all_customers_page_by_page(db, client, clock):
    await deliver(SERVICE, db, [paid(f"o-{n}", f"main/customer_id/{n}") for n in range(1, 6)], clock)
    seen, cursor = [], None

    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/customers", params=query, headers=READ)).json()
        seen += [item["identifiers"][0]["value"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=201",
        "limit=0",
        "cursor=nonsense",
        "who=me",
        "kind=customer_id&value=1",
        "system=main",
        "kind=phone&value=1&q=x",
        "q=%00",
        "kind=phone&value=%00",
        "kind=k&system=%00&value=1",
        "q=" + "x" * 501,
    ],
)
async def test_bad_queries_are_refused(client, query):
    assert (await client.get(f"/v1/customers?{query}", headers=READ)).status_code == 422


@pytest.mark.parametrize("path", ["/v1/customers/not-an-id", "/v1/customers/not-an-id/orders"])
async def test_what_is_no_id_is_refused(client, path):
    assert (await client.get(path, headers=READ)).status_code == 422


async def test_the_timeline_tells_everything_from_every_service_newest_first(db, client, clock):
    id_ = await known(db, clock, "main/customer_id/1")
    events = [
        activity("visited", "main/customer_id/1", properties={"page": "/sale"}, day=1),
        an_event(PointsEarned(posting_id=uuid7(), account_type="points", amount=10, balance_after=10), about=id_),
        an_event(
            TicketOpened(ticket_id=uuid7(), number=7, kind="complaint", channel="phone", priority="high"), about=id_
        ),
        an_event(RiskRaised(score=83.4, band="high", value_minor=1, value_currency="CNY"), about=id_),
        an_event(MessageSuppressed(message_id=uuid7(), template="t", channel="email", reason="stale"), about=id_),
    ]
    await deliver(SERVICE, db, events, clock)
    url = f"/v1/customers/{id_}/timeline"

    zh = (await client.get(url, headers=READ)).json()["items"]
    en = (await client.get(url, headers=READ | {"Accept-Language": "en"})).json()["items"]

    assert [item["at"] for item in zh] == sorted((item["at"] for item in zh), reverse=True)
    assert {item["kind"]: item["title"] for item in en} == {
        "customer.created": "Became a customer",
        "order.paid": "Paid order o-main/customer_id/1, CNY 10.00",
        "customer.activity_recorded": "Activity: visited",
        "points.earned": "Earned 10 points",
        "ticket.opened": "Ticket 7 opened",
        "risk.raised": "At risk of leaving, score 83",
        "message.suppressed": "Message held back: t, stale",
    }
    assert "获得 10 积分" in {item["title"] for item in zh}
    only = (await client.get(url, params={"kind": "order"}, headers=READ)).json()["items"]
    assert [item["kind"] for item in only] == ["order.paid"]
    first = (await client.get(url, params={"limit": 3}, headers=READ)).json()
    rest = (await client.get(url, params={"limit": 9, "cursor": first["next_cursor"]}, headers=READ)).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [item["id"] for item in zh]
