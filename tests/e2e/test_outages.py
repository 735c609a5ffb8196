"""A part of the house is away: 503 with Retry-After or absorbed, nothing half done, and it recovers by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from whole.facts import Fact, Shopper, a_shopper
from whole.house import House
from whole.waiting import until


def _offer(house: House, fact: Fact) -> int:
    """The status of sending one fact; 0 when the connection broke."""
    try:
        answer = house.offer([fact])
    except httpx.HTTPError:
        return 0
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code


def _send_all(house: House, facts: list[Fact]) -> set[int]:
    """Send each until it is taken, as a client does that is told to come again; every status that was met."""
    met: set[int] = set()

    def taken(fact: Fact) -> bool:
        status = _offer(house, fact)
        met.add(status)
        return status == 202

    for fact in facts:
        until(lambda fact=fact: taken(fact), 60)
    return met


def _effect(house: House, shopper: Shopper) -> tuple[int, int, int]:
    scores = house.about(shopper, "scores")
    return house.customer(shopper)["orders_count"], house.points(shopper)["available"], scores["orders_count"]


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_database_dies_and_every_fact_that_was_sent_again_has_one_effect(house: House):
    shopper = a_shopper()
    facts = [shopper.paid(1_000) for _ in range(40)]
    _send_all(house, facts[:10])

    house.kill("postgres")
    met = _send_all(house, facts)
    house.settle()

    assert met <= {202, 503}
    assert _effect(house, shopper) == (40, 400, 40)
    assert house.get("/v1/loyalty/audit")["violations"] == []


def test_reads_say_503_while_the_database_is_away_and_answer_again_after(house: House):
    house.kill("postgres")

    met: list[int] = []

    def answers() -> bool:
        met.extend(house.call("GET", path).status_code for path in ("/v1/customers", "/v1/tickets", "/v1/risks"))
        return met[-3:] == [200, 200, 200]

    until(answers, 60, what=lambda: met)
    house.settle()

    assert set(met) <= {200, 503}


@pytest.mark.parametrize("name", ["customer-svc"])
def test_a_service_that_does_not_answer_is_named_by_the_overview_and_keeps_nobody_else(house: House, name: str):
    shopper = a_shopper()
    house.tell(shopper.paid(10_000))
    customer_id = house.customer(shopper)["id"]

    with _frozen(house.pid_of(name)):
        status = house.call("GET", "/v1/ops/status").json()
        overview = house.call("GET", f"/v1/customers/{customer_id}/overview")
        taken = _offer(house, shopper.paid(20_000))

    assert not status["settled"]
    assert overview.status_code == 200, overview.text
    assert overview.json()["missing"] == [name]
    assert taken == 202
    house.settle()
    assert _effect(house, shopper) == (2, 300, 2)


def test_a_service_that_ends_is_503_until_it_is_back(house: House):
    met: list[int] = []
    before = house.pid_of("loyalty-svc")
    # Asked to end, so that on Kafka nobody waits half a minute for a dead member's session; -9 is the crash test's.
    house.kill("loyalty-svc", signal.SIGTERM)

    def answers() -> bool:
        answer = house.call("GET", "/v1/loyalty/audit")
        met.append(answer.status_code)
        assert answer.status_code == 200 or int(answer.headers["Retry-After"]) > 0
        return answer.status_code == 200 and house.pid_of("loyalty-svc") != before

    until(answers, 60, what=lambda: met)
    house.settle()

    assert set(met) <= {200, 503}


def test_a_log_that_does_not_answer_is_503_and_what_services_have_to_say_waits_for_it(house: House):
    if house.events != "kafka":
        pytest.skip("the embedded log is in the database, whose death is told above")
    shopper = a_shopper()
    house.tell(shopper.paid(10_000))
    customer_id = house.customer(shopper)["id"]
    late = shopper.paid(20_000)
    body = {"customer_id": customer_id, "kind": "question", "subject": "?", "body": "?", "channel": "phone"}

    with _frozen(house.pid_of("kafka")):
        refused = _offer(house, late)
        opened = house.call("POST", "/v1/tickets", json=body)
        read = house.call("GET", f"/v1/customers/{customer_id}/overview")
    _send_all(house, [late])
    house.settle()

    assert (refused, opened.status_code, read.status_code) == (503, 201, 200)
    assert _effect(house, shopper) == (2, 300, 2)
    assert "ticket.opened" in house.kinds(shopper)
