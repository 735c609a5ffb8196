import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from moat.kit.clock import FrozenClock
from moat_local.calling import Gateway
from moat_local.cdnow.orders import read_orders
from moat_local.demo import end_of_batch, is_loaded, load_demo
from moat_local.home import Home
from moat_local.story import Story
from moat_local.troubles import Trouble

STORY = Story(Console(quiet=True))


class Intake:
    """A stand-in for the gateway's side of the wire: takes facts, then is settled."""

    def __init__(self, dies_after_batches: int = 10**6) -> None:
        self.facts: list[dict[str, Any]] = []
        self.batches_left = dies_after_batches

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/ops/status":
            return httpx.Response(200, json={"settled": True, "services": []})
        if self.batches_left == 0:
            return httpx.Response(400, json={"detail": "gone"})
        self.batches_left -= 1
        facts = json.loads(request.content)
        self.facts += facts
        return httpx.Response(202, json={"accepted": len(facts), "rejected": []})


def a_gateway(answer: Callable[[httpx.Request], httpx.Response]) -> Gateway:
    transport = httpx.MockTransport(answer)
    return Gateway(httpx.AsyncClient(transport=transport, base_url="http://gateway.test"), "mk_admin", "mk_intake")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.prepare()
    return made


async def load(home: Home, intake: Intake, clock: FrozenClock, *, again: bool = False) -> None:
    gateway = a_gateway(intake)
    async with gateway.client:
        await load_demo(home, gateway, STORY, clock, again=again)


async def test_the_last_order_is_of_yesterday(home: Home, clock: FrozenClock):
    intake = Intake()

    await load(home, intake, clock)

    assert max(fact["time"] for fact in intake.facts) == "2026-11-19T12:00:00Z"
    assert is_loaded(home)


async def test_a_load_that_was_killed_goes_on_with_the_same_facts_on_a_later_day(home: Home, clock: FrozenClock):
    whole, first, rest = Intake(), Intake(dies_after_batches=5), Intake()
    with pytest.raises(Trouble):
        await load(home, first, clock)
    assert not is_loaded(home)
    clock.advance(timedelta(days=2))

    await load(home, rest, clock)
    await load(home, whole, clock, again=True)

    assert 2_400 < len(first.facts) <= 2_500
    assert first.facts + rest.facts == whole.facts


def test_a_batch_ends_between_two_customers_within_what_the_intake_takes():
    orders = read_orders()
    begin, sizes = 0, []
    while begin < len(orders):
        end = end_of_batch(orders, begin)
        assert end == len(orders) or orders[end].customer != orders[end - 1].customer
        sizes.append(end - begin)
        begin = end

    assert sum(sizes) == 6_919
    assert max(sizes) <= 500


def test_a_customer_with_more_orders_than_fit_is_parted_all_the_same():
    (order,) = read_orders()[:1]

    assert end_of_batch([order] * 1_200, 0) == 500
    assert end_of_batch([order] * 1_200, 1_000) == 1_200


async def test_a_second_load_sends_the_very_same_facts(home: Home, clock: FrozenClock):
    first, second = Intake(), Intake()
    await load(home, first, clock)
    clock.advance(timedelta(days=30))

    await load(home, second, clock, again=True)

    assert second.facts == first.facts


async def test_a_refused_order_is_a_sentence(home: Home, clock: FrozenClock):
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(202, json={"accepted": 499, "rejected": [{"index": 0, "code": "events.invalid"}]})

    gateway = a_gateway(refuse)
    async with gateway.client:
        with pytest.raises(Trouble, match=r"events\.invalid"):
            await load_demo(home, gateway, STORY, clock)
