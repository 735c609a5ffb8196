"""Online Retail I, as it is, through the gateway and Kafka: every customer comes to what an oracle reads from the file.

The data set is no part of the project; it is found beside it (docs/handbook/online-retail.md).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whole.comparing import everyone, of_system
from whole.facts import Fact
from whole.house import Document, House
from whole.online_retail import NAME, SYSTEM, Line, Reading, find_file, read
from whole.online_retail_oracle import Expected, expected

FILE = find_file()
CHAPTER = Path(__file__).parents[2] / "docs/handbook/online-retail.md"
BATCH_BYTES = 800_000
BATCH_FACTS = 500
ASKED_EACH = 10

pytestmark = [
    pytest.mark.timeout(720),
    pytest.mark.skipif(FILE is None, reason=f"{NAME} is neither beside the project in shared/data nor in MOAT_DATA"),
]
on_kafka = pytest.mark.parametrize("house", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    assert FILE is not None
    return read(FILE)


@pytest.fixture(scope="module")
def facts(lines: list[Line]) -> list[Fact]:
    """What the shop would have sent, its last day being yesterday, so that no points have expired."""
    return list(Reading.to(lines, datetime.now(UTC) - timedelta(days=1)).facts(lines))


@pytest.fixture(scope="module")
def wanted() -> dict[str, Expected]:
    assert FILE is not None
    return expected(FILE)


def _batches(facts: list[Fact]) -> Iterator[list[Fact]]:
    """As many facts as a request may hold, and not too many bytes."""
    batch: list[Fact] = []
    size = 0
    for fact in facts:
        weight = len(json.dumps(fact))
        if batch and (len(batch) == BATCH_FACTS or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(fact)
        size += weight
    yield batch


@pytest.fixture(scope="module")
def customers(house: House, facts: list[Fact]) -> dict[str, Document]:
    """Customer number → customer, once the house has handled all of it."""
    for batch in _batches(facts):
        house.send(*batch)
    house.settle(480)
    return of_system(house, SYSTEM)


def test_the_chapter_says_what_became_of_every_invoice(lines: list[Line]):
    reading = Reading.to(lines, datetime.now(UTC))
    sent = Counter(fact["type"].split(".")[-2] for fact in reading.facts(lines))

    told = re.findall(r"^\| (.+?) \| ([\d,]+) \|", CHAPTER.read_text("utf-8"), re.MULTILINE)
    counted = {what: f"{count:,}" for what, count in reading.counts.items()}

    assert dict(told) == counted | {"facts `order.paid`": f"{sent['paid']:,}"} | {
        "facts `order.refunded`": f"{sent['refunded']:,}"
    }


@on_kafka
def test_every_customer_is_what_an_independent_reading_of_the_file_says(
    house: House, customers: dict[str, Document], wanted: dict[str, Expected]
):
    assert customers.keys() == wanted.keys()
    found = {str(row["customer_id"]): row for row in house.sql("loyalty-svc", _EVERYONE)}

    wrong = [
        f"{number}: {what} is {is_}, must be {must_be}"
        for number, customer in customers.items()
        for what, is_, must_be in _pairs(customer, found.get(customer["id"]), wanted[number])
        if is_ != must_be
    ]

    assert wrong == []
    assert {one.tier for one in wanted.values()} == {"member", "silver", "gold", "black"}
    assert any(one.kept < one.earned for one in wanted.values())


_EVERYONE = """
SELECT a.customer_id, a.available, a.pending, a.earned_total, a.reversed_total, a.expired_total, m.tier
FROM account a LEFT JOIN membership m USING (customer_id) WHERE a.type = 'points'
"""


def _pairs(customer: Document, row: Document | None, must: Expected) -> Iterator[tuple[str, object, object]]:
    spent = [{"currency": "GBP", "amount_minor": must.spent_minor}] if must.paid else []
    points = (row["available"], row["earned_total"], row["reversed_total"]) if row else (0, 0, 0)
    yield "orders", customer["orders_count"], len(must.paid)
    yield "spent", customer["spent"], spent
    yield "points", points, (must.kept, must.earned, must.earned - must.kept)
    yield "pending and expired", (row["pending"], row["expired_total"]) if row else (0, 0), (0, 0)
    yield "tier", (row["tier"] if row else None) or "member", must.tier


@on_kafka
def test_the_api_says_the_same(house: House, customers: dict[str, Document], wanted: dict[str, Expected]):
    some = sorted(customers)[::ASKED_EACH]

    answers = everyone(house, [customers[number]["id"] for number in some], "loyalty")

    told = {number: _told(answer) for number, answer in zip(some, answers, strict=True)}
    assert told == {number: (wanted[number].kept, wanted[number].earned, wanted[number].tier) for number in some}
    assert house.get("/v1/loyalty/audit")["violations"] == []


def _told(loyalty: Document) -> tuple[int, int, str]:
    points = next(account for account in loyalty["accounts"] if account["type"] == "points")
    return points["available"], points["earned_total"], loyalty["tier"]["code"]


@on_kafka
def test_what_nobody_bought_is_kept_and_counted_nowhere(
    house: House, customers: dict[str, Document], facts: list[Fact]
):
    of_nobody = [fact["id"] for fact in facts if not fact["data"]["customer"][0]["value"]]

    kept = house.sql(
        "customer-svc",
        "SELECT customer_id FROM fact WHERE source = '/shops/online-retail' AND event_id = ANY ($1)",
        of_nobody,
    )

    assert len(kept) == len(of_nobody) > 0
    assert {row["customer_id"] for row in kept} == {None}
    assert [one for one in house.dead_letters() if "online-retail" in json.dumps(one)] == []


@on_kafka
def test_a_return_of_no_known_order_waits_for_it_and_takes_nothing(
    house: House, customers: dict[str, Document], facts: list[Fact], wanted: dict[str, Expected]
):
    fact = next(fact for fact in facts if fact["id"] == f"{fact['data']['order_id']}-{fact['data']['order_id']}")
    number = fact["data"]["customer"][0]["value"]

    orders = house.every(f"/v1/customers/{customers[number]['id']}/orders")

    (waiting,) = [one for one in orders if one["order_id"] == fact["data"]["order_id"]]
    assert (waiting["paid_at"], waiting["refunded_minor"]) == (None, fact["data"]["amount_minor"])
    assert waiting["order_id"] not in wanted[number].paid


@on_kafka
def test_a_part_of_it_sent_again_changes_nothing(house: House, customers: dict[str, Document], facts: list[Fact]):
    before = house.sql("loyalty-svc", "SELECT count(*), sum(seal) FROM posting")

    house.tell(*facts[:BATCH_FACTS:2])

    assert house.sql("loyalty-svc", "SELECT count(*), sum(seal) FROM posting") == before
    assert of_system(house, SYSTEM) == customers
