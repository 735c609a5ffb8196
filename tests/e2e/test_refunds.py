"""Money that goes back takes points back, in proportion, once, in whatever order the facts arrive."""

from whole.facts import a_shopper, word
from whole.house import Document, House


def _points(account: Document) -> tuple[int, int, int]:
    return account["available"], account["earned_total"], account["reversed_total"]


def test_each_refund_takes_back_its_share_rounded_so_that_the_customer_keeps_whole_points(house: House):
    shopper, order = a_shopper(), word()
    house.tell(shopper.paid(10_050, order))

    house.tell(shopper.refunded(5_000, order))
    half = house.points(shopper)
    house.tell(shopper.refunded(5_050, order))

    assert _points(half) == (100 * 5_050 // 10_050, 100, 50)
    assert _points(house.points(shopper)) == (0, 100, 100)
    assert house.customer(shopper)["spent"] in ([], [{"currency": "CNY", "amount_minor": 0}])
    assert house.customer(shopper)["orders_count"] == 1


def test_a_refund_before_its_order_ends_in_the_same_state(house: House):
    early, late = a_shopper(), a_shopper()
    first, second = word(), word()

    house.tell(early.refunded(20_000, first))
    house.tell(early.paid(60_000, first))
    house.tell(late.paid(60_000, second))
    house.tell(late.refunded(20_000, second))

    assert _points(house.points(early)) == _points(house.points(late)) == (400, 600, 200)
    assert house.about(early, "loyalty")["tier"]["code"] == house.about(late, "loyalty")["tier"]["code"] == "silver"
    assert house.customer(early)["spent"] == house.customer(late)["spent"]


def test_a_refund_larger_than_what_was_paid_is_visible_and_takes_back_no_more_than_was_given(house: House):
    shopper, order = a_shopper(), word()

    house.tell(shopper.paid(10_000, order), shopper.refunded(70_000, order))

    assert _points(house.points(shopper)) == (0, 100, 100)
    (shown,) = house.about(shopper, "orders")["items"]
    assert (shown["total_minor"], shown["refunded_minor"]) == (10_000, 70_000)


def test_a_refund_of_an_order_that_nobody_paid_is_kept_and_shown(house: House):
    shopper, order = a_shopper(), word()

    house.tell(shopper.refunded(500, order))

    (shown,) = house.about(shopper, "orders")["items"]
    assert (shown["order_id"], shown["total_minor"], shown["refunded_minor"]) == (order, None, 500)
    assert _points(house.points(shopper)) == (0, 0, 0)
    assert "order.refunded" in house.kinds(shopper)


def test_a_refund_in_another_currency_has_no_effect_on_points(house: House):
    shopper, order = a_shopper(), word()

    house.tell(shopper.paid(10_000, order), shopper.refunded(10_000, order, currency="USD"))

    assert _points(house.points(shopper)) == (100, 100, 0)


def test_an_order_in_a_currency_outside_the_programme_is_kept_and_earns_nothing(house: House):
    shopper = a_shopper()

    house.tell(shopper.paid(10_000, currency="CHF"))

    assert house.customer(shopper)["spent"] == [{"currency": "CHF", "amount_minor": 10_000}]
    assert _points(house.points(shopper)) == (0, 0, 0)


def test_after_all_of_it_the_ledger_audits_clean(house: House):
    audit = house.get("/v1/loyalty/audit")

    assert audit["violations"] == []
