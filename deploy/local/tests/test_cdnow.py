from collections import Counter, defaultdict
from datetime import date

import pytest

from moat.contracts.intake import RawOrderPaid
from moat_local.cdnow.orders import fact_of, parse, read_orders, shift_to

ORDERS = read_orders()


def test_the_file_has_the_published_figures():
    assert len({order.customer for order in ORDERS}) == 2_357
    assert len(ORDERS) == 6_919
    assert sum(order.total_minor for order in ORDERS) == 24_409_194
    assert sum(order.total_minor // 100 for order in ORDERS) == 239_444


def test_orders_of_nothing_and_of_one_day_are_orders_too():
    assert sum(order.total_minor == 0 for order in ORDERS) == 8
    assert sum(count - 1 for count in Counter((order.customer, order.day) for order in ORDERS).values()) == 223


def test_growth_reaches_the_tiers_as_published():
    growth: dict[str, int] = defaultdict(int)
    for order in ORDERS:
        growth[order.customer] += order.total_minor // 100

    assert [sum(value >= bound for value in growth.values()) for bound in (200, 500, 1_000)] == [276, 74, 19]


def test_the_last_order_moves_to_the_wanted_day_and_all_others_with_it():
    shift = shift_to(ORDERS, date(2026, 11, 21))

    days = [fact_of(order, shift)["time"] for order in ORDERS]

    assert max(days) == "2026-11-21T12:00:00Z"
    assert days[0] == fact_of(ORDERS[0], shift)["time"]
    assert (date.fromisoformat(max(days)[:10]) - date.fromisoformat(min(days)[:10])).days == 545


def test_every_fact_is_one_that_the_intake_takes():
    for order in ORDERS:
        RawOrderPaid.model_validate(fact_of(order, 100)["data"])


def test_facts_are_known_by_their_row():
    facts = [fact_of(order, 0) for order in ORDERS]

    assert len({fact["id"] for fact in facts}) == len({fact["data"]["order_id"] for fact in facts}) == 6_919
    assert facts[0]["data"]["customer"] == [{"system": "cdnow", "kind": "customer_id", "value": "00004"}]


@pytest.mark.parametrize(
    "line", ["00004 0001 19970101 2", "00004 0001 19971301 2 29.33", "00004 0001 19970101 2 29.333"]
)
def test_a_broken_row_is_named(line: str):
    with pytest.raises(ValueError, match="row 7"):
        parse(7, line)
