"""The same fact by any door, at once or again, has one effect; the same facts in any order end in the same state."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

from whole.facts import Shopper, a_shopper, ago, word
from whole.house import Document, House
from whole.topic import binary, structured, write


def _effect(house: House, shopper: Shopper) -> tuple[int, int, int, int]:
    """(orders, points, receipts, times the timeline tells of a payment)."""
    messages = house.about(shopper, "messages")["items"]
    receipts = [one for one in messages if one["template"] == "order_receipt" and one["channel"] == "inbox"]
    orders = house.customer(shopper)["orders_count"]
    return orders, house.points(shopper)["available"], len(receipts), house.kinds(shopper).count("order.paid")


def test_a_fact_twice_in_one_batch_by_both_doors_and_concurrently_has_one_effect(house: House):
    shopper = a_shopper()
    fact = shopper.paid(12_000)

    with ThreadPoolExecutor(8) as together:
        posted = [together.submit(house.offer, [fact, fact]) for _ in range(8)]
        write(house, binary(fact), structured(fact), binary(fact))
    house.settle()
    house.tell(fact)

    assert [one.result().json()["accepted"] for one in posted] == [2] * 8
    assert _effect(house, shopper) == (1, 120, 1, 1)


def test_facts_of_one_new_customer_from_many_sides_at_once_make_one_customer(house: House):
    shopper = a_shopper()

    with ThreadPoolExecutor(10) as together:
        list(together.map(lambda _: house.send(shopper.paid(1_000)), range(20)))
    house.settle()

    assert len(house.get("/v1/customers", **shopper.names[0])["items"]) == 1
    assert _effect(house, shopper) == (20, 200, 20, 20)


def test_paying_an_order_again_changes_nothing_and_with_another_total_is_a_dead_letter(house: House):
    shopper, order = a_shopper(), word()
    house.tell(shopper.paid(10_000, order))

    house.tell(shopper.paid(10_000, order), shopper.paid(99_000, order, id=f"{order}-again"))

    assert _effect(house, shopper)[:3] == (1, 100, 1)
    errors = [letter["error"] for letter in house.dead_letters(service="customer-svc", status="pending")]
    assert any("paid" in error.lower() for error in errors)
    for letter in house.dead_letters(service="customer-svc", status="pending"):
        house.post(f"/v1/ops/dead-letters/customer-svc/{letter['id']}/discard", {"reason": "a test made it"})


def _story(shopper: Shopper, order: str) -> list[Document]:
    return [
        shopper.says(
            "order.placed", at=ago(days=3), order_id=order, currency="CNY", total_minor=70_000, lines=[], channel="app"
        ),
        shopper.paid(70_000, order, at=ago(days=2)),
        shopper.says("order.shipped", at=ago(days=1), order_id=order, carrier="SF", tracking_number="1"),
        shopper.refunded(15_000, order, at=ago(hours=3)),
    ]


def _state(house: House, shopper: Shopper) -> dict[str, Any]:
    (order,) = house.about(shopper, "orders")["items"]
    loyalty, scores, customer = house.about(shopper, "loyalty"), house.about(shopper, "scores"), house.customer(shopper)
    kept = ("status", "currency", "total_minor", "refunded_minor", "channel", "lines")
    return {
        "order": {name: order[name] for name in kept},
        "points": {name: house.points(shopper)[name] for name in ("available", "earned_total", "reversed_total")},
        "tier": loyalty["tier"]["code"],
        "next": loyalty["tier"]["next"],
        "risk": scores["risk"]["band"],
        "value": (scores["orders_count"], scores["value_minor"]),
        "customer": (customer["orders_count"], customer["spent"]),
        "told": sorted(kind for kind in house.kinds(shopper) if kind.startswith("order.")),
    }


def test_the_same_facts_in_any_order_end_in_the_same_state(house: House):
    shoppers = [(a_shopper(), order) for order in permutations(range(4))]

    for step in range(4):
        stories = ((shopper, order, _story(shopper, f"o-{shopper.names[0]['value']}")) for shopper, order in shoppers)
        house.tell(*(story[order[step]] for _, order, story in stories))

    states = [_state(house, shopper) for shopper, _ in shoppers]
    assert all(state == states[0] for state in states), states
    assert states[0]["points"] == {"available": 550, "earned_total": 700, "reversed_total": 150}
