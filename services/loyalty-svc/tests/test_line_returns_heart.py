"""The heart of returns by line: what lines earned goes back with them, whatever becomes known first."""

from itertools import permutations
from random import Random
from typing import Any
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
    reading,
    release,
    take_back,
)
from loyalty_svc.earning.returns import OrderLine

from .builders import at
from .rulebook import Asked, a_rule, an_order, at_most, fixed, judge, times, where

ORDER, LI = UUID(int=1), UUID(int=2)
TEA, CUP, POT = ("t-1", "tea", "hill"), ("c-1", "cup", "kiln"), ("p-1", "pot", "kiln")


def a_line(what: tuple[str, str, str], amount_minor: int, quantity: int = 1) -> OrderLine:
    return OrderLine(*what, quantity, amount_minor)


def per_line(points: int, category: str = "tea", *, per: str = "currency_unit", **more: Any) -> dict[str, Any]:
    award = {"kind": "per_line", "points": points, "per": per, "lines": where("category", "=", category), **more}
    return a_rule(award, credits=["points"])


def paid_for(*lines: OrderLine, total_minor: int | None = None, asked: Asked | None = None, **rules: Any) -> Paid:
    """A paid order as these rules judge it."""
    asked = asked or Asked(judge(**rules))
    total = sum(line.amount_minor for line in lines) if total_minor is None else total_minor
    row = an_order(total, lines=[line._asdict() for line in lines])
    decided = asked.about(row, day=5)
    return Paid(LI, at(5), "CNY", total, 1, decided.awards, asked.judge.by_line(decided, row, at(5)), lines)


def back(number: int, amount_minor: int, *lines: OrderLine, currency: str = "CNY") -> Refund:
    return Refund(f"r-{number}", at(6 + number), currency, amount_minor, f"event-{number}", lines)


def fold(*facts: Paid | Refund) -> tuple[OrderEarning, list[Any]]:
    order, decisions = OrderEarning(ORDER), []
    for fact in facts:
        decisions += pay(order, fact) if isinstance(fact, Paid) else take_back(order, fact)
    return order, decisions


def left(order: OrderEarning) -> dict[Any, int]:
    """Points that stay, by account types."""
    return {None: order.earned - order.reversed} | {part.credits: part.earned - part.reversed for part in order.others}


POINTS = ("points",)
TWO_LINES = a_line(TEA, 10_000, 2), a_line(CUP, 10_000)


def test_a_returned_line_takes_back_what_it_earned_and_others_nothing():
    order = paid_for(*TWO_LINES, tea=per_line(2))

    tea, _ = fold(order, back(1, 10_000, a_line(TEA, 10_000, 2)))
    cup, nothing = fold(order, back(1, 10_000, a_line(CUP, 10_000)))

    assert left(tea)[POINTS] == 0
    assert left(cup)[POINTS] == 200
    assert [type(one) for one in nothing] == [Earned]


def test_a_part_of_a_line_takes_its_share_by_what_the_rule_counted():
    order = paid_for(*TWO_LINES, money=per_line(2), pieces=per_line(15, per="item"))

    one_of_two, _ = fold(order, back(1, 2_500, a_line(TEA, 2_500, 1)))

    assert left(fold(order)[0])[POINTS] == 200 + 30
    assert left(one_of_two)[POINTS] == 150 + 15


def test_a_rule_on_the_whole_order_stays_in_proportion_to_the_money():
    order = paid_for(*TWO_LINES, tea=per_line(2), all_=a_rule())

    after, decisions = fold(order, back(1, 10_000, a_line(CUP, 10_000)))

    assert left(after) == {None: 100, POINTS: 200}
    assert [one.credits for one in decisions if isinstance(one, TakenBack)] == [None]


def test_a_refund_without_lines_takes_from_all_that_is_left():
    order = paid_for(*TWO_LINES, tea=per_line(2))

    after, _ = fold(order, back(1, 5_000, a_line(TEA, 5_000, 1)), back(2, 3_000))

    assert left(after)[POINTS] == 100 * (15_000 - 3_000) // 15_000


def test_lines_that_the_order_does_not_have_count_for_nothing_and_the_refund_is_in_proportion():
    order = paid_for(*TWO_LINES, tea=per_line(2))
    strange = back(1, 5_000, a_line(TEA, 2_500), a_line(POT, 2_500))

    after, _ = fold(order, strange)

    assert left(after)[POINTS] == 200 * 15_000 // 20_000
    assert reading(after, strange) == "unknown_lines"
    assert after.refunds == [strange]


def test_the_example_of_the_handbook_takes_back_what_it_says():
    order = paid_for(*TWO_LINES, tea=per_line(2), all_=a_rule())
    a_box, a_scratch = back(1, 5_000, a_line(TEA, 5_000, 1)), back(2, 3_000)

    assert left(fold(order)[0]) == {None: 200, POINTS: 200}
    assert left(fold(order, a_box)[0]) == {None: 150, POINTS: 100}
    assert left(fold(order, a_box, a_scratch)[0]) == {None: 120, POINTS: 80}


def test_a_line_without_sku_is_known_by_the_category_and_brand_it_names():
    order = paid_for(*TWO_LINES, a_line(("t-2", "tea", "lake"), 30_000), tea=per_line(2))

    hill, _ = fold(order, back(1, 1, OrderLine(None, "tea", "hill", 1, 10_000)))
    both, _ = fold(order, back(1, 1, OrderLine(None, "tea", None, 1, 20_000)))
    nameless = back(1, 10_000, OrderLine(None, None, None, 1, 10_000))

    assert left(fold(order)[0])[POINTS] == 800
    assert left(hill)[POINTS] == 600
    assert left(both)[POINTS] == 400
    assert reading(fold(order)[0], nameless) == "unknown_lines"


def test_what_is_on_top_of_a_rule_per_line_goes_back_with_the_lines():
    on_top = a_rule(times("tea", "1.5"), credits=["points"])
    order = paid_for(*TWO_LINES, tea=per_line(2), on_top=on_top)

    cup, _ = fold(order, back(1, 10_000, a_line(CUP, 10_000)))
    tea, _ = fold(order, back(1, 10_000, a_line(TEA, 10_000, 2)))

    assert (left(cup)[POINTS], left(tea)[POINTS]) == (300, 0)


def test_what_a_limit_cut_goes_back_as_it_was_given():
    order = paid_for(*TWO_LINES, tea=per_line(2) | {"limits": [at_most(50)]})

    half, _ = fold(order, back(1, 5_000, a_line(TEA, 5_000)))

    assert left(half)[POINTS] == 25


def test_the_same_line_returned_twice_takes_no_more_than_it_earned():
    order = paid_for(*TWO_LINES, tea=per_line(2), cups=per_line(1, "cup"))
    tea = a_line(TEA, 10_000, 2)

    after, decisions = fold(order, back(1, 8_000, tea), back(2, 8_000, tea))

    assert left(after)[POINTS] == 100
    assert sum(one.points for one in decisions if isinstance(one, TakenBack)) == 200


def test_all_the_money_back_leaves_nothing_whatever_lines_it_names():
    order = paid_for(*TWO_LINES, total_minor=18_000, tea=per_line(2), all_=a_rule(), extra=a_rule(fixed(7)))

    after, _ = fold(order, back(1, 18_000, a_line(CUP, 10_000)))

    assert set(left(after).values()) == {0}


def test_an_order_that_cost_nothing_gives_back_what_its_lines_earned():
    after, _ = fold(paid_for(*TWO_LINES, total_minor=0, tea=per_line(2)), back(1, 1, a_line(CUP, 1)))

    assert left(after)[POINTS] == 0


NAMES = [TEA, CUP, POT, (None, "tea", None), (None, "cup", "kiln"), (None, None, None), ("t-1", None, None)]
lines = st.builds(
    lambda name, quantity, amount: OrderLine(*name, quantity, amount),
    st.sampled_from(NAMES),
    st.integers(1, 4),
    st.integers(0, 5_000),
)
refunds = st.lists(
    st.tuples(st.integers(1, 6_000), st.lists(lines, max_size=2), st.sampled_from(["CNY", "CNY", "CNY", "USD"])),
    max_size=4,
)
rules = st.fixed_dictionaries(
    {},
    optional={
        "all_": st.just(a_rule()),
        "gift": st.just(a_rule(fixed(33))),
        "tea": st.builds(per_line, st.integers(1, 30), rounding=st.sampled_from(["down", "up", "half_up"])),
        "cups": st.builds(
            per_line, st.integers(1, 9), st.sampled_from(["cup", "pot"]), per=st.sampled_from(["item", "currency_unit"])
        ),
        "both": st.just(a_rule({"kind": "per_line", "points": 3, "lines": where("sku", "notNull", None)})),
        "more": st.just(a_rule(times("tea", "1.7"), credits=["points"])),
        "few": st.just(per_line(5) | {"limits": [at_most(40)]}),
    },
)
orders = st.tuples(st.lists(lines, min_size=1, max_size=4), st.integers(0, 12_000))


@given(order=orders, rules=rules, refunds=refunds, order_of=st.randoms(use_true_random=False))
def test_in_any_order_of_arrival_the_sum_taken_back_is_the_same_and_never_more_than_given(
    order: tuple[list[OrderLine], int], rules: dict[str, Any], refunds: list[Any], order_of: Random
):
    paid = paid_for(*order[0], total_minor=order[1], **rules)
    facts = [paid, *[back(n, amount, *named, currency=currency) for n, (amount, named, currency) in enumerate(refunds)]]

    ends = []
    for arrival in [facts, *order_of.sample(list(permutations(facts)), min(6, len(list(permutations(facts)))))]:
        state, decisions = fold(*arrival)
        for credits, stays in left(state).items():
            gained = sum(
                one.award.points for one in decisions if isinstance(one, Earned) and one.award.terms.credits == credits
            )
            lost = [one.points for one in decisions if isinstance(one, TakenBack) and one.credits == credits]
            assert all(points > 0 for points in lost)
            assert 0 <= stays == gained - sum(lost)
        ends.append(left(state))

    assert all(end == ends[0] for end in ends)
    refunded = sum(amount for amount, _, currency in refunds if currency == "CNY")
    if refunded >= order[1] and refunded:
        assert set(ends[0].values()) == {0}


@given(order=orders, rules=rules, refunds=refunds)
def test_where_no_refund_names_lines_nothing_differs_from_what_it_was(
    order: tuple[list[OrderLine], int], rules: dict[str, Any], refunds: list[Any]
):
    paid = paid_for(*order[0], total_minor=order[1], **rules)
    money = [back(n, amount, currency=currency) for n, (amount, _, currency) in enumerate(refunds)]
    refunded = sum(one.amount_minor for one in money if one.currency == "CNY")

    by_line, _ = fold(paid, *money)
    awards = [(award.terms.credits, award.points, award.code) for award in paid.awards]
    of_lines = {one.code for one in paid.by_line}
    for credits, stays in left(by_line).items():
        whole = sum(points for own, points, code in awards if own == credits and code not in of_lines)
        alone = [points for own, points, code in awards if own == credits and code in of_lines]
        expected = kept(whole, order[1], refunded) + sum(kept(points, order[1], refunded) for points in alone)
        assert stays == expected


@given(tea=st.integers(1, 9_000), refunds=refunds, when=st.integers(0, 4), order_of=st.randoms(use_true_random=False))
def test_an_award_of_lines_that_was_held_keeps_what_it_would_have_kept(
    tea: int, refunds: list[Any], when: int, order_of: Random
):
    bought = a_line(TEA, tea, 2), a_line(CUP, 4_000)
    facts = [back(n, amount, *named, currency=currency) for n, (amount, named, currency) in enumerate(refunds)]
    order_of.shuffle(facts)
    guard = {"limits": [at_most(1, what="awards", way="hold")]}
    asked = Asked(judge(tea=per_line(3) | guard, all_=a_rule()))
    paid_for(*bought, asked=asked)  # Lets the next one be held.
    held_at_first = paid_for(*bought, asked=asked)
    at_once = paid_for(*bought, tea=per_line(3), all_=a_rule())
    award = next((one for one in at_once.awards if one.code == "tea"), None)
    if award is None:
        return
    expected, _ = fold(at_once, *facts)

    order, _ = fold(held_at_first, *facts[:when])
    net = release(order, Award("tea", "tea@1", award.points, "", award.terms))
    for fact in facts[when:]:
        take_back(order, fact)

    assert 0 <= net <= award.points
    assert left(order).get(POINTS, 0) == left(expected)[POINTS]
