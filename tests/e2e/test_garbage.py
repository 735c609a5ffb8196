"""Rubbish straight on the topic: a dead letter each, with its reason; nobody waits behind it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from moat.kit.messaging.log import Record
from whole.facts import Fact, Shopper, a_shopper, word
from whole.house import Document, House
from whole.topic import INTAKE, binary, structured, write

CLOUDEVENTS = (("content-type", b"application/cloudevents+json"),)


def _headers(**more: str) -> tuple[tuple[str, bytes], ...]:
    named = {"specversion": "1.0", "id": word(), "source": "/test/garbage", "time": "2026-01-01T00:00:00Z"} | more
    return tuple((f"ce_{name}", value.encode()) for name, value in named.items())


PAID = "moat.intake.order.paid.v1"
GARBAGE: dict[str, Callable[[bytes], Record]] = {
    "bytes": lambda key: Record(INTAKE, key, b"\x00\xff\xfe\x80", ()),
    "nothing at all": lambda key: Record(INTAKE, key, None, ()),
    "no headers": lambda key: Record(INTAKE, key, b'{"order_id": "1"}', ()),
    "bytes under right headers": lambda key: Record(INTAKE, key, b"\xff\xfe", _headers(type=PAID)),
    "a wrong shape": lambda key: Record(INTAKE, key, b'{"order": [1, 2, 3]}', _headers(type=PAID)),
    "a list": lambda key: Record(INTAKE, key, b"[]", _headers(type=PAID)),
    "an unknown type": lambda key: Record(INTAKE, key, b"{}", _headers(type="moat.intake.order.eaten.v1")),
    "headers that are no text": lambda key: Record(INTAKE, key, b"{}", (("ce_type", b"\xff\xff"), ("ce_id", b"\xfe"))),
    "a structured event without a type": lambda key: Record(INTAKE, key, b'{"id": "1"}', CLOUDEVENTS),
    "a structured event that is a number": lambda key: Record(INTAKE, key, b"7", CLOUDEVENTS),
    "deep nesting": lambda key: Record(INTAKE, key, b"[" * 5000, CLOUDEVENTS),
}


def _dead(house: House, key: str) -> list[Document]:
    return [one for one in house.dead_letters(service="customer-svc") if one["key"] == key]


@pytest.fixture(scope="module")
def buried(house: House) -> Iterator[tuple[Shopper, list[Document]]]:
    """All of the garbage under one key, then a fact under the same key; and the dead letters that came of it."""
    shopper = a_shopper()
    key = shopper.names[0]["value"]
    write(house, *(make(key.encode()) for make in GARBAGE.values()), binary(shopper.paid(10_000)))
    house.settle()
    letters = _dead(house, key)
    yield shopper, letters
    for letter in _dead(house, key):
        house.call("POST", f"/v1/ops/dead-letters/customer-svc/{letter['id']}/discard", json={"reason": "a test's"})


Buried = tuple[Shopper, list[Document]]


def test_each_piece_becomes_one_dead_letter_that_says_why(buried: Buried):
    _, letters = buried

    assert len(letters) == len(GARBAGE)
    assert all(letter["error"] and letter["topic"] == INTAKE and letter["status"] == "pending" for letter in letters)
    assert sum("moat.intake.order.eaten.v1" in letter["error"] for letter in letters) == 1


def test_the_fact_behind_them_under_the_same_key_has_taken_effect(house: House, buried: Buried):
    shopper, _ = buried

    assert house.customer(shopper)["orders_count"] == 1
    assert house.points(shopper)["available"] == 100


def test_facts_in_both_modes_are_taken_from_the_topic(house: House):
    shopper = a_shopper()

    write(house, binary(shopper.paid(1_000)), structured(shopper.paid(2_000)))
    house.settle()

    assert house.points(shopper)["available"] == 30


def test_dead_letters_do_not_keep_the_house_from_being_settled_but_are_counted(house: House, buried: Buried):
    status = house.get("/v1/ops/status")

    customer = next(one for one in status["services"] if one["name"] == "customer-svc")
    assert status["settled"]
    assert customer["dead_letters"] >= len(buried[1])


def test_discarding_takes_a_reason_is_audited_and_safe_to_repeat(house: House, buried: Buried):
    letter = buried[1][0]
    path = f"/v1/ops/dead-letters/customer-svc/{letter['id']}/discard"

    assert house.call("POST", path, json={}).status_code == 422
    discarded = house.post(path, {"reason": "a partner tried something"})
    again = house.post(path, {"reason": "a partner tried something"})

    assert (discarded["status"], again["status"]) == ("discarded", "discarded")
    audited = house.sql("customer-svc", "SELECT actor, detail FROM audit WHERE subject LIKE $1", f"%{letter['id']}%")
    assert len(audited) == 1
    assert "a partner tried something" in str(dict(audited[0]))


def test_replaying_what_is_still_wrong_leaves_it_where_it_is(house: House, buried: Buried):
    letter = buried[1][1]

    answer = house.call("POST", f"/v1/ops/dead-letters/customer-svc/{letter['id']}/replay")

    assert answer.status_code < 500
    (still,) = [one for one in _dead(house, letter["key"]) if one["id"] == letter["id"]]
    assert still["status"] == "pending"


def _broken(fact: Fact) -> tuple[Record, bytes]:
    """A fact with its order's total torn off, and the bytes it should have had."""
    torn: dict[str, Any] = {name: value for name, value in fact["data"].items() if name != "total_minor"}
    whole = binary(fact)
    return Record(whole.topic, whole.key, json.dumps(torn).encode(), whole.headers), whole.value or b""


def test_after_a_fix_a_replay_takes_effect_once_and_is_audited(house: House):
    shopper = a_shopper()
    record, right = _broken(shopper.paid(10_000))
    write(house, record)
    house.settle()
    (letter,) = _dead(house, shopper.names[0]["value"])
    assert house.find(shopper) is None

    # What a repaired service would read: here the record is repaired instead.
    house.sql("customer-svc", "UPDATE dead_letter SET value = $1 WHERE id = $2", right, letter["id"])
    path = f"/v1/ops/dead-letters/customer-svc/{letter['id']}/replay"
    replayed = house.post(path)
    again = house.post(path)
    house.settle()

    assert (replayed["status"], again["status"]) == ("replayed", "replayed")
    assert house.customer(shopper)["orders_count"] == 1
    assert house.points(shopper)["available"] == 100
    assert len(house.sql("customer-svc", "SELECT 1 FROM audit WHERE subject LIKE $1", f"%{letter['id']}%")) == 1


def test_a_dead_letter_that_does_not_exist_is_not_found(house: House):
    path = "/v1/ops/dead-letters/customer-svc/01890000-0000-7000-8000-000000000000/replay"

    assert house.call("POST", path).status_code == 404
    assert house.call("POST", path.replace("customer-svc", "nobody-svc")).status_code == 404
