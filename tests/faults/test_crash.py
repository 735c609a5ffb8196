"""The CDNOW sample goes in through the intake while every process of the house is killed in turn, the log's and the
database's among them. Whatever was accepted counts once: in the end every customer is what an independent oracle
reads from the raw file.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from moat_local.plan import PARTS
from whole.cdnow import expected, fact_of, rows
from whole.comparing import differences, everyone, of_system
from whole.facts import Fact
from whole.house import House
from whole.running import a_running_house
from whole.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(420)]

BATCH_FACTS = 100
BELOW = {"kafka": ("kafka", "postgres"), "embedded": ("postgres",)}


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def doomed(request: pytest.FixtureRequest) -> Iterator[House]:
    """A house of this test's own, for the test will not be kind to it."""
    with a_running_house(request.param) as running:
        yield running


def _take(house: House, batch: list[Fact]) -> None:
    """Send a batch until the house has it, as a loader does that must lose nothing."""
    until(lambda: _is_taken(house, batch), 90, what="the intake stays away")


def _is_taken(house: House, batch: list[Fact]) -> bool:
    try:
        answer = house.offer(batch)
    except httpx.TransportError:
        return False  # the gateway died before it could answer; nobody knows what it has taken
    assert answer.status_code in (202, 503), answer.text
    return answer.status_code == 202 and answer.json()["accepted"] == len(batch)


def _is_up(house: House, name: str) -> bool:
    """Whether there is somebody to kill, at work rather than still starting."""
    try:
        house.pid_of(name)
        services = house.call("GET", "/v1/ops/status").json().get("services", [])
    except (httpx.TransportError, OSError, LookupError, IndexError):
        return False
    return any(one["ready"] for one in services if one["name"] == name or name in ("kafka", "postgres"))


def _load_while_killing(house: House, facts: list[Fact], victims: list[str]) -> None:
    batches = [facts[begin : begin + BATCH_FACTS] for begin in range(0, len(facts), BATCH_FACTS)]
    every = len(batches) // (len(victims) + 1)
    waiting = list(victims)
    for number, batch in enumerate(batches):
        _take(house, batch)
        if waiting and number % every == every - 1:
            victim = waiting.pop(0)
            until(lambda name=victim: _is_up(house, name), 60, what=f"{victim} does not come back")
            house.kill(victim)
    assert waiting == []


def test_whatever_is_killed_while_they_come_in_every_order_counts_once(doomed: House):
    rows_ = rows(datetime.now(UTC) - timedelta(days=1))
    wanted = expected(rows_)
    victims = [*(part.name for part in PARTS), *BELOW[doomed.events]]

    _load_while_killing(doomed, [fact_of(row) for row in rows_], victims)
    doomed.settle(180)

    customers = of_system(doomed, "cdnow")
    assert customers.keys() == wanted.keys()
    assert differences(doomed, customers, wanted) == []
    _assert_orders_are_those_of_the_file(doomed, customers, wanted)
    audit = doomed.get("/v1/loyalty/audit")
    assert audit["violations"] == []
    assert audit["totals"]["points"]["earned"] == sum(one.points for one in wanted.values())
    assert doomed.dead_letters() == []


def _assert_orders_are_those_of_the_file(house: House, customers: dict, wanted: dict) -> None:
    some = sorted(wanted, key=lambda value: -len(wanted[value].order_totals))[:200]
    pages = everyone(house, [customers[value]["id"] for value in some], "orders?limit=200")
    for value, page in zip(some, pages, strict=True):
        assert {one["order_id"]: one["total_minor"] for one in page["items"]} == wanted[value].order_totals
