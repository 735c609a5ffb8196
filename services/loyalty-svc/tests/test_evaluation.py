"""The heart of tiers."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.tiers.evaluation import Move, Tier, TierPlan, follow, since

from .builders import at

PLAN = TierPlan(
    1, tuple(Tier(code, {}, floor) for code, floor in [("member", 0), ("silver", 200), ("gold", 500), ("black", 1000)])
)


def followed(*moves: tuple[float, int], rising: bool = True):
    return follow(PLAN, None, [Move(at(day), growth) for day, growth in moves], last_at=None, has_only_risen=rising)


@pytest.mark.parametrize(
    ("growth", "code", "following"),
    [
        (0, "member", ("silver", 200)),
        (199, "member", ("silver", 1)),
        (200, "silver", ("gold", 300)),
        (999, "gold", ("black", 1)),
        (1000, "black", None),
        (10**12, "black", None),
    ],
)
def test_a_tier_begins_at_its_floor(growth: int, code: str, following: tuple[str, int] | None):
    assert PLAN.tier_for(growth).code == code
    found = PLAN.next_after(growth)
    assert (found and (found[0].code, found[1])) == following


def test_one_large_order_may_skip_tiers():
    standing, changes, _ = followed((1, 1200))

    assert standing.tier == "black"
    assert [(change.from_tier, change.to_tier) for change in changes] == [("member", "black")]


def test_a_refund_brings_the_tier_down_at_once():
    standing, changes, _ = followed((1, 600), (2, 100), rising=False)

    assert (standing.tier, standing.since) == ("member", at(2))
    assert [(change.to_tier, change.is_up) for change in changes] == [("gold", True), ("member", False)]


def test_a_change_is_dated_by_its_latest_cause():
    _, changes, _ = followed((5, 150), (1, 250))

    assert changes[0].time == at(5)


def test_plans_must_begin_at_zero_and_ascend():
    with pytest.raises(ValueError, match="begin at 0"):
        TierPlan(1, (Tier("silver", {}, 200),))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 400)), min_size=1, max_size=5))
def test_since_is_the_same_whatever_order_the_orders_arrive_in(orders: list[tuple[int, int]]):
    by_day: dict[int, int] = {}
    for day, amount in orders:
        by_day[day] = by_day.get(day, 0) + amount
    truth = since(PLAN, [(at(day), amount) for day, amount in sorted(by_day.items())])

    for arrival in permutations(orders):
        growth, moves = 0, []
        for day, amount in arrival:
            growth += amount
            moves.append((day, growth))
        standing, _, is_exact = followed(*moves)
        # Where a move cannot tell, the history is asked; where it says that it can, it has to be right.
        assert not is_exact or standing.since == truth
        assert standing.tier == PLAN.tier_for(growth).code
        assert standing.enrolled_at == at(min(day for day, _ in orders))
