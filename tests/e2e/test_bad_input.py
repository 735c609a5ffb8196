"""What bad input gets: a problem that names the place, and a service that goes on."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from moat.kit.ids import uuid7
from whole.facts import Fact, a_shopper, ago
from whole.house import BATCH, House

SINGLE = "application/cloudevents+json"


def _post(house: House, body: bytes, content_type: str = BATCH) -> httpx.Response:
    return house.call("POST", "/v1/events", token=house.intake, content=body, headers={"Content-Type": content_type})


def _batch(*facts: Any) -> bytes:
    return json.dumps(list(facts)).encode()


def _with_text(text: str) -> bytes:
    """A batch whose one order id holds `text` as it stands in JSON."""
    return _batch(a_shopper().paid(100, "PLACE")).replace(b"PLACE", text.encode())


UNREADABLE: dict[str, tuple[bytes, str, int]] = {
    "not JSON": (b"{not json", BATCH, 400),
    "not UTF-8": (b'[{"id": "\xff\xfe"}]', BATCH, 400),
    "cut off": (_batch(a_shopper().paid(1))[:-20], BATCH, 400),
    "nothing": (b"", BATCH, 400),
    "plain JSON": (_batch(a_shopper().paid(1)), "application/json", 415),
    "another charset": (_batch(a_shopper().paid(1)), f"{BATCH}; charset=utf-16", 415),
    "over 1 MB": (_batch(a_shopper().paid(1, channel="x" * 1_100_000)), BATCH, 413),
    "501 events": (_batch(*(a_shopper().paid(1) for _ in range(501))), BATCH, 422),
    "no events": (b"[]", BATCH, 422),
    "a batch as one event": (_batch(a_shopper().paid(1)), SINGLE, 422),
    "one event as a batch": (json.dumps(a_shopper().paid(1)).encode(), BATCH, 422),
    "deep nesting": (b"[" * 100_000, BATCH, 400),
    "deep nesting in data": (_with_text('", "deep": ' + "[" * 900 + "]" * 900 + ', "x": "'), BATCH, 400),
    "NaN": (_batch(a_shopper().paid(7)).replace(b'"total_minor": 7', b'"total_minor": NaN'), BATCH, 400),
    "infinity": (_batch(a_shopper().paid(7)).replace(b'"total_minor": 7', b'"total_minor": 1e999'), BATCH, 422),
    "a huge number": (_batch(a_shopper().paid(7)).replace(b'": 7', b'": ' + b"9" * 5000), BATCH, 422),
    "a lone surrogate": (_with_text("\\ud800"), BATCH, 422),
    "NUL in a text": (_with_text("a\\u0000b"), BATCH, 422),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_body_that_cannot_be_taken_is_a_problem_that_names_the_place(house: House, what: str):
    body, content_type, status = UNREADABLE[what]

    answer = _post(house, body, content_type)

    assert answer.status_code in ({status, 400} if status == 422 else {status}), answer.text
    problem = answer.json()
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["X-Request-Id"]
    assert problem["status"] == answer.status_code
    assert problem["code"]
    assert problem.get("errors") or problem.get("rejected") or status in (413, 415)


def _without(name: str) -> Callable[[Fact], None]:
    return lambda fact: fact.pop(name)


def _data(**changes: Any) -> Callable[[Fact], None]:
    return lambda fact: fact["data"].update(changes)


def _envelope(**changes: Any) -> Callable[[Fact], None]:
    return lambda fact: fact.update(changes)


def _happening(**when: float) -> Callable[[Fact], None]:
    """At an instant that is counted when the test runs, not when it is collected."""
    return lambda fact: fact.update(time=ago(**when))


LINE = {"sku": "a", "quantity": 1, "amount_minor": 100}
NAME = {"system": "main", "kind": "customer_id", "value": "x"}
REFUSED: dict[str, tuple[Callable[[Fact], Any], str]] = {
    "a negative amount": (_data(total_minor=-1), "/data/total_minor"),
    "a huge amount": (_data(total_minor=10**12 + 1), "/data/total_minor"),
    "a fraction of a cent": (_data(total_minor=1.5), "/data/total_minor"),
    "an amount as text": (_data(total_minor="100"), "/data/total_minor"),
    "true as an amount": (_data(total_minor=True), "/data/total_minor"),
    "an unknown currency": (_data(currency="XXQ"), "/data/currency"),
    "no currency": (_data(currency=None), "/data/currency"),
    "quantity 0": (_data(lines=[LINE | {"quantity": 0}]), "/data/lines/0/quantity"),
    "a bad second line": (_data(lines=[LINE, LINE | {"amount_minor": -5}]), "/data/lines/1/amount_minor"),
    "201 lines": (_data(lines=[LINE] * 201), "/data/lines"),
    "an unknown field": (_data(colour="red"), "/data/colour"),
    "no customer": (_data(customer=[]), "/data/customer"),
    "a customer without a value": (_data(customer=[{"system": "a", "kind": "b"}]), "/data/customer/0/value"),
    "21 names": (_data(customer=[NAME] * 21), "/data/customer"),
    "an empty order id": (_data(order_id=""), "/data/order_id"),
    "far in the future": (_happening(days=-2), "/time"),
    "ten minutes ahead": (_happening(minutes=-10), "/time"),
    "a time without offset": (_envelope(time="2026-01-01T00:00:00"), "/time"),
    "29 February of a common year": (_envelope(time="2025-02-29T00:00:00Z"), "/time"),
    "an unknown type": (_envelope(type="moat.intake.order.eaten.v1"), "/type"),
    "a canonical type": (_envelope(type="moat.order.paid.v1"), "/type"),
    "another version of CloudEvents": (_envelope(specversion="0.3"), "/specversion"),
    "no id": (_without("id"), "/id"),
    "no source": (_without("source"), "/source"),
    "no data": (_without("data"), "/data"),
    "an id of 1,000 characters": (_envelope(id="x" * 1000), "/id"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_event_that_is_wrong_is_refused_by_name_and_its_neighbours_are_taken(house: House, what: str):
    spoil, pointer = REFUSED[what]
    bad = a_shopper().paid(100)
    spoil(bad)

    alone = house.offer([bad])
    among = house.offer([a_shopper().paid(100), bad, a_shopper().paid(100)])

    assert alone.status_code == 422, alone.text
    assert among.status_code == 202, among.text
    taken = among.json()
    (rejected,) = taken["rejected"]
    assert (taken["accepted"], rejected["index"], rejected["id"]) == (2, 1, bad.get("id", "")[:200] or None)
    assert rejected["code"] == "events.invalid"
    assert any(error["pointer"].startswith(pointer) for error in rejected["errors"]), rejected


def test_one_bad_event_of_500_leaves_499(house: House):
    shopper = a_shopper()
    facts = [shopper.paid(100) for _ in range(500)]
    facts[499]["data"].pop("order_id")

    answer = house.offer(facts)

    assert answer.status_code == 202
    assert answer.json()["accepted"] == 499
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["id"]) == (499, facts[499]["id"])
    assert rejected["errors"][0]["pointer"] == "/data/order_id"
    house.settle()
    assert house.customer(shopper)["orders_count"] == 499
    assert house.points(shopper)["available"] == 499


def test_a_little_ahead_of_our_clock_is_now(house: House):
    shopper = a_shopper()

    house.tell(shopper.paid(10_000, at=ago(minutes=-4)))

    assert house.about(shopper, "scores")["silence"]["days"] >= 0


def test_a_fact_with_blocked_names_only_is_taken_and_makes_nobody(house: House):
    nobody = {"system": "main", "kind": "customer_id", "value": "0"}
    shopper = a_shopper()
    fact = shopper.paid(10_000)
    fact["data"]["customer"] = [nobody]

    house.tell(fact)

    assert house.get("/v1/customers", **nobody)["items"] == []


QUERIES = {
    "/v1/customers?colour=red": 422,
    "/v1/customers?cursor=broken": 422,
    "/v1/customers?limit=201": 422,
    "/v1/customers?limit=0": 422,
    "/v1/tickets?status=eaten": 422,
    "/v1/tickets?cursor=%00": 422,
    "/v1/risks?band=purple": 422,
    "/v1/ops/dead-letters?cursor=broken": 422,
    "/v1/customers/not-an-id": 422,
    "/v1/customers/01890000-0000-7000-8000-000000000000": 404,
    "/v1/nowhere": 404,
    "/v1/customers/": 404,
}


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_that_nobody_understands_is_refused(house: House, path: str):
    answer = house.call("GET", path)

    assert answer.status_code == QUERIES[path], answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_command_for_a_customer_who_may_still_be_on_his_way_is_asked_to_come_again(house: House):
    body = {"kind": "question", "subject": "?", "body": "?", "channel": "phone"}
    young = house.call("POST", "/v1/tickets", json=body | {"customer_id": str(uuid7())})
    old = house.call("POST", "/v1/tickets", json=body | {"customer_id": "01890000-0000-7000-8000-000000000000"})

    assert (young.status_code, old.status_code) == (503, 404)
    assert int(young.headers["Retry-After"]) > 0


def test_after_all_of_it_the_house_is_well(house: House):
    house.settle()

    assert all(service["ready"] for service in house.get("/v1/ops/status")["services"])
