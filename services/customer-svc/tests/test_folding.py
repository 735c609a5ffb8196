"""Orders and files: the same facts in any order end the same. Pure."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_svc.orders.folding import AlreadyPaid, AlreadyRefunded, Change, Order, fold, order_uid
from customer_svc.profiles.folding import File, count_order, spend, unite, write
from customer_svc.profiles.names import grams, grams_of_query, like

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANNA, BEN = UUID(int=1), UUID(int=2)


def an_order() -> Order:
    return Order(order_uid("/shop", "o-1"), "/shop", "o-1", ANNA)


def change(stage: str, hour: float = 0, customer: UUID = ANNA, name: str = "f", **more) -> Change:
    at = NOON + timedelta(hours=hour)
    return Change(stage, at, customer, f"{at:%Y-%m-%dT%H:%M:%S} /shop {name}", **more)


def payment(total: int = 1000, **more) -> Change:
    return change("paid", currency="CNY", total_minor=total, **more)


def refund(amount: int, id: str = "r1", currency: str = "CNY", **more) -> Change:
    return change("refunded", currency=currency, amount_minor=amount, refund_id=id, **more)


def test_an_order_has_one_id_whatever_is_heard_of_it_first():
    assert order_uid("/shop", "o-1") == order_uid("/shop", "o-1") != order_uid("/other", "o-1")


def test_never_more_is_taken_back_than_was_given_and_the_rest_stays_visible():
    order = an_order()
    for one in (payment(1000), refund(700, "r1"), refund(700, "r2")):
        fold(order, one)

    assert (order.spent_minor, order.refunded_minor, order.status) == (0, 1400, "refunded")


def test_a_refund_in_another_currency_is_kept_without_effect():
    order = an_order()
    fold(order, refund(300, currency="USD"))
    fold(order, payment(1000))

    assert (order.spent_minor, order.refunded_minor, list(order.refunds)) == (1000, 0, ["r1"])


def test_a_refund_told_twice_counts_once_and_with_another_amount_is_refused():
    order = an_order()
    fold(order, payment(1000))
    assert fold(order, refund(300))
    assert not fold(order, refund(300, name="again"))

    with pytest.raises(AlreadyRefunded):
        fold(order, refund(301))

    assert order.spent_minor == 700


def test_a_second_payment_with_another_total_is_refused():
    order = an_order()
    fold(order, payment(1000))

    with pytest.raises(AlreadyPaid):
        fold(order, payment(1001))

    assert not fold(order, payment(1000, name="again"))


CHANGES = [
    change("placed", 0, currency="CNY", total_minor=900, lines=[{"amount_minor": 900}]),
    change("placed", 0, BEN, name="g", currency="CNY", total_minor=950),
    payment(1000, hour=1, customer=BEN),
    change("shipped", 2),
    change("shipped", 3, BEN),
    change("delivered", 4),
    change("delayed", 2, promised_at=NOON),
    change("delayed", 2, name="h"),
    change("cancelled", 5),
    refund(300, hour=6),
    refund(200, id="r2", hour=7, customer=BEN),
    refund(100, id="r3", currency="USD"),
]


@given(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=12, unique_by=id), st.randoms(use_true_random=False))
def test_an_order_ends_the_same_whatever_comes_first(changes, random):
    one, other = an_order(), an_order()
    shuffled = random.sample(changes, len(changes))

    for order, facts in ((one, changes), (other, shuffled)):
        for fact in facts:
            fold(order, fact)

    assert (one, one.status, one.spent_minor, one.at) == (other, other.status, other.spent_minor, other.at)


WRITES = st.tuples(
    st.dictionaries(st.sampled_from(["name", "locale", "emails"]), st.sampled_from(["a", "b", None]), min_size=1),
    st.integers(0, 5),
)


@given(st.lists(WRITES, max_size=8, unique_by=lambda one: one[1]), st.randoms(use_true_random=False))
def test_the_last_word_per_field_wins_in_any_order_and_across_a_merge(writes, random):
    straight, left, right = File(ANNA), File(ANNA), File(BEN)
    for changes, at in sorted(writes, key=lambda one: one[1]):
        write(straight, changes, f"{at}")

    for changes, at in random.sample(writes, len(writes)):
        write(random.choice([left, right]), changes, f"{at}")
    unite(left, right)

    def told(file):
        return {name: value for name, value in file.fields.items() if value}

    assert told(left) == told(straight)
    assert left.stamps == straight.stamps


def test_a_merged_file_has_the_sums_of_both():
    one, other = File(ANNA), File(BEN)
    count_order(one, NOON)
    spend(one, "CNY", 100)
    count_order(other, NOON - timedelta(days=1))
    spend(other, "CNY", 50)
    spend(other, "USD", 7)

    unite(one, other)

    assert (one.orders_count, one.spent) == (2, {"CNY": 150, "USD": 7})
    assert (one.first_order_at, one.last_order_at) == (NOON - timedelta(days=1), NOON)


@pytest.mark.parametrize("query", ["王", "小明", "王小明", "WANG", "wang x"])
def test_every_piece_of_a_name_finds_it(query):
    assert set(grams_of_query(query)) <= set(grams("王小明 Wang Xiaoming", ()))


def test_wildcards_in_a_search_are_letters():
    assert like("50%_\\") == "%50\\%\\_\\\\%"
