"""The heart of earning: refunds take back in proportion, whatever becomes known first."""

from datetime import timedelta
from itertools import pairwise, permutations
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.earning.orders import (
    Award,
    Earned,
    OrderEarning,
    Paid,
    Refund,
    TakenBack,
    kept,
    pay,
    release,
    take_back,
)
from loyalty_svc.earning.rules import Terms

from .builders import at

ORDER, LI = UUID(int=1), UUID(int=2)
amounts = st.integers(min_value=1, max_value=10**12)


def an_order_paid(total_minor: int, points: int, *, currency: str = "CNY", day: float = 5) -> Paid:
    awards = (Award("order-points", "order-points@1", points, ""),) if points else ()
    return Paid(LI, at(day), currency, total_minor, 1, awards)


def a_refund(number: int, amount_minor: int, *, currency: str = "CNY", day: float = 6) -> Refund:
    return Refund(f"r-{number}", at(day) + timedelta(hours=number), currency, amount_minor, f"event-{number}")


def fold(facts) -> tuple[OrderEarning, list]:
    order, decisions = OrderEarning(ORDER), []
    for fact in facts:
        decisions += pay(order, fact) if isinstance(fact, Paid) else take_back(order, fact)
    return order, decisions


def test_a_refund_takes_its_share_rounded_in_the_shops_favour():
    order, decisions = fold([an_order_paid(2933, 29), a_refund(1, 1000)])

    assert decisions[1].points == 29 - 29 * 1933 // 2933
    assert order.earned - order.reversed == kept(29, 2933, 1000) == 19


def test_a_full_refund_leaves_zero():
    order, _ = fold([an_order_paid(2933, 29), a_refund(1, 1000), a_refund(2, 1933)])

    assert order.earned == order.reversed == 29


def test_more_than_was_paid_takes_no_more_than_was_given():
    order, decisions = fold([an_order_paid(2933, 29), a_refund(1, 10**12), a_refund(2, 5)])

    assert order.reversed == 29
    assert len(decisions) == 2


def test_a_refund_before_its_order_waits_and_is_dated_when_both_had_happened():
    early = a_refund(1, 2933, day=1)

    _, nothing = fold([early])
    _, decisions = fold([early, an_order_paid(2933, 29, day=5)])

    assert nothing == []
    assert [type(decision) for decision in decisions] == [Earned, TakenBack]
    assert decisions[1].at == at(5)


def test_a_refund_in_another_currency_is_kept_without_effect():
    order, decisions = fold([an_order_paid(2933, 29), a_refund(1, 2933, currency="USD")])

    assert [type(decision) for decision in decisions] == [Earned]
    assert len(order.refunds) == 1


def test_the_same_refund_twice_counts_once():
    once, _ = fold([an_order_paid(2933, 29), a_refund(1, 1000)])
    twice, _ = fold([an_order_paid(2933, 29), a_refund(1, 1000), a_refund(1, 1000)])

    assert once == twice


def test_an_order_of_nothing_is_harmless():
    order, decisions = fold([an_order_paid(0, 0), a_refund(1, 100)])

    assert (order.earned, order.reversed, decisions) == (0, 0, [])


@given(total=amounts, earned=st.integers(0, 10**12), refunded=st.lists(amounts, max_size=6))
def test_kept_never_grows_and_never_leaves_its_bounds(total: int, earned: int, refunded: list[int]):
    steps = [kept(earned, total, sum(refunded[:count])) for count in range(len(refunded) + 1)]

    assert steps[0] == earned
    assert all(before >= after >= 0 for before, after in pairwise(steps))
    assert kept(earned, total, total) == 0


@given(
    total=st.integers(1, 10**6),
    points=st.integers(0, 10**4),
    refunds=st.lists(st.tuples(st.integers(1, 10**6), st.sampled_from(["CNY", "CNY", "USD"])), max_size=3),
)
def test_every_order_of_arrival_ends_in_the_same_state(total: int, points: int, refunds: list[tuple[int, str]]):
    facts = [an_order_paid(total, points)] + [
        a_refund(number, amount, currency=currency) for number, (amount, currency) in enumerate(refunds)
    ]

    ends = set()
    for arrival in permutations(facts):
        order, decisions = fold(arrival)
        given_points = sum(one.award.points for one in decisions if isinstance(one, Earned))
        taken = sum(one.points for one in decisions if isinstance(one, TakenBack))
        assert (given_points, taken) == (order.earned, order.reversed)
        ends.add((order.earned, order.reversed, tuple(sorted(order.refunds))))

    refunded = sum(amount for amount, currency in refunds if currency == "CNY")
    assert {(earned, earned - back) for earned, back, _ in ends} == {
        (points, points * (total - min(refunded, total)) // total)
    }
    assert len(ends) == 1


STAMPS = Terms(credits=("stamps",))


@given(
    total=st.integers(1, 10_000),
    given_points=st.lists(st.tuples(st.integers(1, 500), st.booleans()), max_size=4),
    shares=st.lists(st.integers(1, 6_000), max_size=3),
    order_of=st.randoms(use_true_random=False),
)
def test_each_account_type_ends_the_same_in_any_order_and_a_full_refund_leaves_zero(
    total: int, given_points: list[tuple[int, bool]], shares: list[int], order_of: Random
):
    awards = tuple(
        Award(f"r{n}", f"r{n}@1", points, "", STAMPS if is_stamp else Terms())
        for n, (points, is_stamp) in enumerate(given_points)
    )
    facts = [
        Paid(LI, at(5), "CNY", total, 1, awards),
        *[a_refund(n, share) for n, share in enumerate(shares)],
        a_refund(99, total),
    ]
    order_of.shuffle(facts)

    order, decisions = fold(facts)

    assert order.earned == order.reversed
    assert all(part.earned == part.reversed for part in order.others)
    for credits in (None, ("stamps",)):
        gained = sum(
            one.award.points for one in decisions if isinstance(one, Earned) and one.award.terms.credits == credits
        )
        lost = sum(one.points for one in decisions if isinstance(one, TakenBack) and one.credits == credits)
        assert gained == lost


@given(
    points=st.integers(1, 500),
    held=st.integers(1, 500),
    shares=st.lists(st.integers(1, 1_000), max_size=3),
    when=st.integers(0, 3),
)
def test_an_award_that_was_held_keeps_what_it_would_have_kept(points: int, held: int, shares: list[int], when: int):
    at_once = Paid(LI, at(5), "CNY", 2_000, 1, (Award("a", "a@1", points, ""), Award("b", "b@1", held, "")))
    expected, _ = fold([at_once, *[a_refund(n, share) for n, share in enumerate(shares)]])

    order, _ = fold([an_order_paid(2_000, points), *[a_refund(n, share) for n, share in enumerate(shares[:when])]])
    net = release(order, Award("b", "b@1", held, ""))
    for n, share in enumerate(shares[when:], when):
        take_back(order, a_refund(n, share))

    assert 0 <= net <= held
    assert order.earned - order.reversed == expected.earned - expected.reversed
