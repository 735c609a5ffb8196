"""A document's life: draft, preview, publish, retire, roll back; and what is refused."""

import asyncio
from datetime import timedelta

import httpx

from moat.kit.clock import FrozenClock
from moat.kit.documents import published, valid_at, versions
from moat.kit.documents.changes import changed
from moat.kit.testing.databases import TestDatabase
from moat.kit.testing.migrations import assert_up_down_up

from .shelves.shelf_calls import MUGS, TALL, drafted, price_of, publish, put_on


async def test_a_draft_becomes_a_version_and_the_one_before_is_retired(http: httpx.AsyncClient, clock: FrozenClock):
    await put_on(http)
    clock.advance(timedelta(days=1))
    tag = await drafted(http, price=25)

    second = (await publish(http, tag)).json()

    assert (second["version"], second["status"], second["document"]["price"]) == (2, "published", 25)
    told = (await http.get(f"{MUGS}/tall/versions")).json()["items"]
    assert [(one["version"]["version"], one["version"]["status"], one["changes"]) for one in told] == [
        (2, "published", ["/price"]),
        (1, "retired", None),
    ]
    assert told[0]["version"]["valid_from"] == told[1]["version"]["valid_to"]
    assert told[1]["version"]["published_by"] == "staff:staff-1"


async def test_a_draft_is_edited_by_who_has_read_it_last(http: httpx.AsyncClient):
    tag = await drafted(http)

    edited = await http.put(f"{MUGS}/tall", json={"document": TALL | {"price": 21}}, headers={"If-Match": tag})
    late = await http.put(f"{MUGS}/tall", json={"document": TALL | {"price": 22}}, headers={"If-Match": tag})
    blind = await http.put(f"{MUGS}/tall", json={"document": TALL})

    assert (edited.status_code, late.status_code, blind.status_code) == (200, 412, 428)
    assert await price_of(http) == 21


async def test_of_two_managers_who_publish_at_once_one_is_told_that_it_changed(http: httpx.AsyncClient):
    tag = await drafted(http)

    answers = await asyncio.gather(*[publish(http, tag) for _ in range(2)])

    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_of_publishing_and_editing_at_once_one_wins(http: httpx.AsyncClient):
    tag = await drafted(http)
    edit = http.put(f"{MUGS}/tall", json={"document": TALL | {"price": 99}}, headers={"If-Match": tag})

    answers = await asyncio.gather(publish(http, tag), edit)

    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_of_two_first_drafts_at_once_one_stays(http: httpx.AsyncClient):
    answers = await asyncio.gather(*[http.post(MUGS, json={"code": "tall", "document": TALL}) for _ in range(4)])

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_publishing_with_the_same_key_twice_has_one_effect(http: httpx.AsyncClient):
    tag = await drafted(http)
    headers = {"If-Match": tag, "Idempotency-Key": "once"}

    first = await http.post(f"{MUGS}/tall/publish", json={}, headers=headers)
    again = await http.post(f"{MUGS}/tall/publish", json={}, headers=headers)

    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_roll_back_publishes_a_copy_and_leaves_the_draft(http: httpx.AsyncClient):
    await put_on(http)
    await put_on(http, price=30)
    tag = await drafted(http, price=40)

    answer = await http.post(f"{MUGS}/tall/rollback", json={"version": 1}, headers={"If-Match": tag})
    draft = (await http.get(f"{MUGS}/tall?status=draft")).json()

    assert (answer.json()["version"], answer.json()["document"]["price"]) == (3, 20)
    assert (draft["version"], draft["document"]["price"]) == (4, 40)
    assert (await publish(http, answer.headers["ETag"])).json()["version"] == 4
    assert await price_of(http) == 40


async def test_a_retired_document_judges_nothing_from_then_on(
    http: httpx.AsyncClient, database: TestDatabase, clock: FrozenClock
):
    from shelf_svc.features import MUGS as KIND

    tag = await put_on(http)
    begun = clock.now()
    clock.advance(timedelta(days=1))

    answer = await http.post(f"{MUGS}/tall/retire", headers={"If-Match": tag})
    again = await http.post(f"{MUGS}/tall/retire", headers={"If-Match": answer.headers["ETag"]})

    assert (answer.json()["status"], again.status_code) == ("retired", 409)
    async with database.db.transaction() as tx:
        known = (await versions(tx, KIND))["tall"]
        assert "tall" not in await published(tx, KIND)
    assert valid_at(known, begun + timedelta(hours=1))
    assert valid_at(known, clock.now()) is None


async def test_late_facts_are_judged_by_the_version_valid_when_they_happened(
    http: httpx.AsyncClient, database: TestDatabase, clock: FrozenClock
):
    from shelf_svc.features import MUGS as KIND

    first = clock.now()
    await put_on(http)
    ahead = first + timedelta(days=10)
    tag = await drafted(http, price=30)
    await publish(http, tag, valid_from=ahead.isoformat())

    async with database.db.transaction() as tx:
        known = (await versions(tx, KIND))["tall"]
        judged = [valid_at(known, first + timedelta(days=days)) for days in (-1, 0, 9, 10, 99)]
        in_force = (await published(tx, KIND, at=first))["tall"]
    assert [one and one.value.price for one in judged] == [None, 20, 20, 30, 30]
    assert str(in_force.ref) == "tall@1"


async def test_what_the_migration_published_was_always_valid(database: TestDatabase, clock: FrozenClock):
    from shelf_svc.features import MUGS as KIND

    async with database.db.transaction() as tx:
        plain = (await published(tx, KIND))["plain"]
        again = (await published(tx, KIND))["plain"]

    assert plain.judges(clock.now() - timedelta(days=100_000))
    assert plain.value is again.value


async def test_publishing_before_now_has_to_be_confirmed(http: httpx.AsyncClient, clock: FrozenClock):
    tag = await drafted(http)
    earlier = (clock.now() - timedelta(days=5)).isoformat()

    asked = await publish(http, tag, valid_from=earlier)
    done = await publish(http, tag, valid_from=earlier, confirm=["documents.backdated"])

    assert (asked.status_code, asked.json()["doubts"][0]["code"]) == (409, "documents.backdated")
    assert done.status_code == 200


async def test_a_version_cannot_begin_before_the_one_it_follows(http: httpx.AsyncClient, clock: FrozenClock):
    await put_on(http)
    tag = await drafted(http)

    answer = await publish(http, tag, valid_from=(clock.now() - timedelta(days=5)).isoformat())

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/valid_from")


async def test_what_is_seldom_meant_is_asked_about_in_both_languages(http: httpx.AsyncClient):
    tag = await drafted(http, price=2)

    asked = await publish(http, tag)
    done = await publish(http, tag, confirm=["shelf.below-cost"])

    assert asked.json()["code"] == "documents.confirmation-needed"
    assert set(asked.json()["doubts"][0]["texts"]) == {"zh-CN", "en"}
    assert done.status_code == 200


async def test_what_the_hook_refuses_is_not_published(http: httpx.AsyncClient, database: TestDatabase):
    await put_on(http)
    tag = await drafted(http, price=5_000)

    answer = await publish(http, tag)

    assert (answer.status_code, answer.json()["code"]) == (409, "shelf.too-dear")
    assert await price_of(http) == 20
    async with database.db.transaction() as tx:
        assert [tuple(row) for row in await tx.all("SELECT * FROM sold")] == [("tall@1", 20)]


async def test_a_preview_says_what_it_would_do_and_keeps_nothing(http: httpx.AsyncClient):
    answer = (await http.post(f"{MUGS}/preview", json={"document": TALL | {"price": 3}})).json()

    assert answer["would"]["brings"] == 30
    assert [doubt["code"] for doubt in answer["doubts"]] == ["shelf.below-cost"]
    assert (await http.get(f"{MUGS}?status=draft")).json()["items"] == []


async def test_documents_are_paged_by_code(http: httpx.AsyncClient):
    for code in ("c", "a", "b"):
        await put_on(http, code)

    first = (await http.get(f"{MUGS}?limit=2")).json()
    rest = (await http.get(f"{MUGS}?limit=2&cursor={first['next_cursor']}")).json()

    assert [one["code"] for one in first["items"] + rest["items"]] == ["a", "b", "c", "plain"]
    assert rest["next_cursor"] is None


async def test_versions_are_paged_newest_first(http: httpx.AsyncClient):
    for price in (20, 21, 22):
        await put_on(http, price=price)

    first = (await http.get(f"{MUGS}/tall/versions?limit=2")).json()
    rest = (await http.get(f"{MUGS}/tall/versions?limit=2&cursor={first['next_cursor']}")).json()

    assert [one["version"]["version"] for one in first["items"] + rest["items"]] == [3, 2, 1]


async def test_each_change_is_in_the_audit(http: httpx.AsyncClient, database: TestDatabase):
    await http.post(f"{MUGS}/tall/retire", headers={"If-Match": await put_on(http)})

    async with database.db.transaction() as tx:
        rows = await tx.all("SELECT actor, action, subject FROM audit ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("staff:staff-1", "document.published", "mug/tall@1"),
        ("staff:staff-1", "document.retired", "mug/tall@1"),
    ]


async def test_the_openapi_document_shows_the_model(http: httpx.AsyncClient):
    document = (await http.get("/v1/openapi.json")).json()

    body = document["paths"][MUGS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert schema["properties"]["document"]["$ref"].endswith("/MugDocument")


async def test_up_down_up(database: TestDatabase):
    await assert_up_down_up(database, "shelf_svc")


def test_changes_are_named_where_they_are():
    before = {"a": 1, "b": [1, {"c": 2}], "d": [1], "e/f": 0, "g": True}
    after = {"a": 1, "b": [1, {"c": 3}], "d": [1, 2], "e/f": 1, "h": 0}

    assert changed(before, after) == ["/b/1/c", "/d", "/e~1f", "/h", "/g"]
    assert changed(1, True) == [""]
