"""The state of the house and its dead letters."""

import json
from uuid import uuid4

from pydantic_core import to_json

from gateway.proxy.routing import LOYALTY, SERVICES, TICKET

IDLE = {"ready": True, "version": "1", "outbox": 0, "lag": 0, "timers_overdue": 0, "dead_letters": 2, "in_flight": 0}


def everyone_says(house, **changes):
    for name, service in house.services.items():
        said = {"name": name, "end_offsets": {"moat.intake/0": 5}} | IDLE | changes
        service.answers["/v1/ops/status"] = (200, to_json(said))


async def test_the_house_has_settled_when_nobody_has_anything_left_to_do(house):
    everyone_says(house)

    state = (await house.client.get("/v1/ops/status", headers=house.as_admin())).json()

    assert state["settled"] is True
    assert {service["name"] for service in state["services"]} == {"gateway", *SERVICES}
    assert all(len(service.asked) == 2 for service in house.services.values())


async def test_a_service_with_something_to_do_or_a_silent_one_means_no(house_of):
    house = await house_of()
    everyone_says(house, lag=1)
    busy = (await house.client.get("/v1/ops/status", headers=house.as_admin())).json()
    assert busy["settled"] is False
    assert [service["lag"] for service in busy["services"]] == [0, 1, 1, 1, 1, 1]
    # A house at work needs no second round to say so.
    assert all(len(service.asked) == 1 for service in house.services.values())

    silent = await house_of(at={TICKET: "http://127.0.0.1:9"})
    everyone_says(silent)
    state = (await silent.client.get("/v1/ops/status", headers=silent.as_admin())).json()
    assert state["settled"] is False
    ticket = next(service for service in state["services"] if service["name"] == TICKET)
    assert (ticket["ready"], ticket["lag"]) == (False, None)


def a_letter(**changes):
    letter = {"id": str(uuid4()), "consumer": "c", "topic": "moat.intake", "type": None, "key": "k", "error": "e"}
    return letter | {"attempts": 1, "at": "2026-11-20T08:00:00Z", "status": "pending"} | changes


async def test_dead_letters_of_all_services_are_paged_through(house):
    for name, service in house.services.items():
        letters = {"items": [a_letter(service=name)], "next_cursor": None}
        service.answers["/v1/ops/dead-letters"] = (200, to_json(letters))

    seen, cursor = [], None
    for _ in range(10):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await house.client.get("/v1/ops/dead-letters", params=query, headers=house.as_admin())).json()
        seen += [item["service"] for item in page["items"]]
        assert page["missing"] == []
        cursor = page["next_cursor"]
        if not cursor:
            break

    assert seen == list(SERVICES)


async def test_one_service_can_be_asked_alone_and_an_unknown_one_cannot(house):
    house.services[LOYALTY].answers["/v1/ops/dead-letters"] = (200, to_json({"items": [a_letter()]}))

    page = await house.client.get("/v1/ops/dead-letters?service=loyalty-svc", headers=house.as_admin())
    unknown = await house.client.get("/v1/ops/dead-letters?service=x", headers=house.as_admin())
    broken = await house.client.get("/v1/ops/dead-letters?cursor=%21%21", headers=house.as_admin())

    assert [item["service"] for item in page.json()["items"]] == [LOYALTY]
    assert (unknown.status_code, broken.status_code) == (404, 422)


async def test_replay_and_discard_go_to_the_service(house):
    id_ = str(uuid4())
    service = house.services[LOYALTY]
    service.answers[f"/v1/ops/dead-letters/{id_}/replay"] = (200, to_json(a_letter(id=id_, status="replayed")))
    service.answers[f"/v1/ops/dead-letters/{id_}/discard"] = (409, to_json({"status": 409, "code": "x"}))
    base = f"/v1/ops/dead-letters/loyalty-svc/{id_}"

    replayed = await house.client.post(f"{base}/replay", headers=house.as_admin())
    discarded = await house.client.post(f"{base}/discard", json={"reason": "test"}, headers=house.as_admin())

    assert (replayed.status_code, replayed.json()["status"]) == (200, "replayed")
    assert (discarded.status_code, discarded.json()["code"]) == (409, "x")
    assert json.loads(service.asked[1]["body"]) == {"reason": "test"}
    assert (await house.client.post(f"{base}/discard", json={}, headers=house.as_admin())).status_code == 422
    forbidden = await house.client.post(f"{base}/replay", headers=house.as_intake())
    assert forbidden.status_code == 403
