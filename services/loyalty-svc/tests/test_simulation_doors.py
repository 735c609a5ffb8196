"""The doors of simulations: who may ask, what is refused, lists in pages, and publishing from a result."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from loyalty_svc.simulation import usecases
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff

from .builders import a_customer, paid
from .house import House
from .past import PATH, Past
from .rulebook import PER_UNIT, a_rule, fixed
from .task_plans import a_task
from .tier_club import a_plan

DRAFT = a_rule(PER_UNIT | {"points": 2})


@pytest.fixture
async def past(house: House, pglog_url: str) -> AsyncIterator[Past]:
    shop = await Past.begin(house, pglog_url)
    yield shop
    await shop.log.close()


async def test_publishing_from_the_result_publishes_the_draft_that_was_simulated(past: Past):
    etag = await past.draft("earning_rule", "order-points", DRAFT)
    found = await past.run("earning_rule", "order-points")
    assert found["allowed_actions"] == ["publish"]

    answer = await past.ask("POST", f"{PATH}/{found['id']}/publish", {}, **{"If-Match": etag})

    assert answer.status_code == 200, answer.text
    assert answer.json()["published_at"] is not None
    assert answer.json()["allowed_actions"] == []
    rule = (await past.ask("GET", "/v1/loyalty/earning-rules/order-points")).json()
    assert (rule["status"], rule["version"], rule["document"]["award"]["points"]) == ("published", 2, 2)


async def test_a_draft_that_has_changed_since_is_not_published(past: Past):
    etag = await past.draft("earning_rule", "order-points", DRAFT)
    found = await past.run("earning_rule", "order-points")
    path = f"{PATH}/{found['id']}/publish"
    document = {"document": a_rule(PER_UNIT | {"points": 3})}
    changed = await past.ask("PUT", "/v1/loyalty/earning-rules/order-points", document, **{"If-Match": etag})

    for read in (etag, changed.headers["ETag"]):
        answer = await past.ask("POST", path, {}, **{"If-Match": read})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition.failed")
    assert (await past.ask("POST", path, {})).status_code == 428

    rule = (await past.ask("GET", "/v1/loyalty/earning-rules/order-points")).json()
    assert (rule["status"], rule["version"]) == ("published", 1)


async def test_what_publishing_asks_and_checks_is_asked_and_checked_here_too(past: Past):
    etag = await past.draft("earning_rule", "dear", a_rule(fixed(1_000), credits=["points"]))
    found = await past.run("earning_rule", "dear")
    path = f"{PATH}/{found['id']}/publish"

    answer = await past.ask("POST", path, {}, **{"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (409, "documents.confirmation-needed")
    codes = [one["code"] for one in answer.json()["doubts"]]
    assert codes == ["earning.more-than-worth"]
    assert (await past.ask("POST", path, {"confirm": codes}, **{"If-Match": etag})).status_code == 200

    etag = await past.draft("earning_rule", "wrong", a_rule(credits=["shells"]))
    found = await past.run("earning_rule", "wrong")
    answer = await past.ask("POST", f"{PATH}/{found['id']}/publish", {}, **{"If-Match": etag})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/credits/0")


async def test_a_tier_plan_that_is_published_from_a_result_judges_everybody(past: Past):
    li = uuid7()
    await past.happen(a_customer(li), paid(li, 15_000))
    etag = await past.draft("tier_plan", "tiers", a_plan({"member": 0, "silver": 100}))
    found = await past.run("tier_plan", "tiers")
    doubts = {"confirm": ["tiers.tier-goes"]}

    answer = await past.ask("POST", f"{PATH}/{found['id']}/publish", doubts, **{"If-Match": etag})

    assert answer.status_code == 200, answer.text
    assert (await past.ask("GET", "/v1/loyalty/tier-plans/tiers/judging")).json()["members"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"kind": "earning_rule", "code": "nobody", "days": 30}, 404, "documents.unknown", None),
        ({"kind": "earning_rule", "code": "order-points", "days": 30}, 409, "documents.no-draft", None),
        ({"kind": "tier_plan", "code": "tiers", "days": 30}, 409, "documents.no-draft", None),
        ({"kind": "earning_rule", "code": "order-points", "days": 0}, 422, "request.invalid", "/days"),
        ({"kind": "earning_rule", "code": "order-points", "days": 1101}, 422, "request.invalid", "/days"),
        ({"kind": "earning_rule", "code": "order-points", "days": 1.5}, 422, "request.invalid", "/days"),
        ({"kind": "reward", "code": "order-points", "days": 30}, 422, "request.invalid", "/kind"),
        ({"kind": "task", "code": "Ü", "days": 30}, 422, "request.invalid", "/code"),
        ({"kind": "task", "code": "x", "days": 30, "more": 1}, 422, "request.invalid", "/more"),
    ],
)
async def test_what_cannot_be_simulated_is_refused(
    past: Past, body: dict[str, Any], status: int, code: str, pointer: str | None
):
    answer = await past.ask("POST", PATH, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if pointer is not None:
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_the_same_key_asks_for_one_simulation(past: Past):
    await past.draft("earning_rule", "order-points", DRAFT)
    body = {"kind": "earning_rule", "code": "order-points", "days": 30}

    first, again = [await past.ask("POST", PATH, body, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert first.json()["id"] == again.json()["id"]
    assert len((await past.ask("GET", PATH)).json()["items"]) == 1


async def test_so_many_wait_at_most_and_so_many_results_are_kept(past: Past, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usecases, "WAITING_MAX", 3)
    monkeypatch.setattr(usecases, "KEPT_MAX", 2)
    await past.draft("earning_rule", "order-points", DRAFT)
    ids = [await past.queue("earning_rule", "order-points") for _ in range(3)]
    full = await past.ask("POST", PATH, {"kind": "earning_rule", "code": "order-points", "days": 30})
    assert (full.status_code, full.json()["code"]) == (409, "simulations.too-many")

    while await past.runner().run_next():
        pass
    ids.append(await past.queue("earning_rule", "order-points"))

    page = (await past.ask("GET", f"{PATH}?limit=2")).json()
    rest = (await past.ask("GET", f"{PATH}?limit=2&cursor={page['next_cursor']}")).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == [str(id_) for id_ in ids[:0:-1]]
    assert (await past.ask("GET", f"{PATH}/{ids[0]}")).json()["code"] == "simulations.unknown"


async def test_one_that_is_not_done_has_nothing_to_publish_and_one_that_is_over_cannot_be_cancelled(past: Past):
    etag = await past.draft("task", "orders", a_task())
    id_ = await past.queue("task", "orders")
    answer = await past.ask("POST", f"{PATH}/{id_}/publish", {}, **{"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (409, "simulations.not-done")

    assert await past.runner().run_next()

    answer = await past.ask("POST", f"{PATH}/{id_}/cancel", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "simulations.finished")
    for path in (f"{PATH}/{uuid7()}", f"{PATH}/{uuid7()}/customers"):
        assert (await past.ask("GET", path)).status_code == 404


async def test_readers_may_read_and_only_writers_ask_cancel_and_publish(past: Past):
    etag = await past.draft("earning_rule", "order-points", DRAFT)
    id_ = await past.queue("earning_rule", "order-points")
    past.staff = staff("loyalty:read")

    assert (await past.read(id_))["state"] == "queued"
    body = {"kind": "earning_rule", "code": "order-points", "days": 30}
    for path, sent in ((PATH, body), (f"{PATH}/{id_}/cancel", {}), (f"{PATH}/{id_}/publish", {})):
        assert (await past.ask("POST", path, sent, **{"If-Match": etag})).status_code == 403


async def test_the_result_and_what_it_took_as_given_are_told_in_both_languages(past: Past):
    await past.happen(paid(uuid7(), 10_000))
    found = await past.simulate("earning_rule", "order-points", DRAFT, days=1100)

    chinese = await past.read(found["id"], "zh-CN")

    assert chinese["result"]["summary"].startswith("过去 1100 天：若采用该草案，1 位客户获得更多，0 位更少，0 位不变；")
    assert len(chinese["notes"]) == len(found["notes"]) == 6
    assert "版本" in chinese["notes"][1]
    assert "version" in found["notes"][1]
