"""The heart of plans over a window or a period: a member's way through the tiers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.tiers.evaluation import Tier, TierPlan, since
from loyalty_svc.tiers.spans import LIFETIME, Calendar, Fall, Lifetime, Rolling, Way
from loyalty_svc.tiers.walking import Values, judge

TIERS = tuple(Tier(code, {}, floor) for code, floor in [("member", 0), ("silver", 200), ("gold", 500), ("black", 1000)])
DAY = timedelta(days=1)


def plan(span: Lifetime | Rolling | Calendar, way: Way = "to_fit", grace: int = 0, warn: int | None = None) -> TierPlan:
    return TierPlan(1, TIERS, "growth", span, Fall(way, grace * DAY, None if warn is None else warn * DAY))


def on(year: int, month: int, day: int) -> datetime:
    """Noon in Shanghai."""
    return datetime(year, month, day, 4, tzinfo=UTC)


def midnight(year: int, month: int = 1, day: int = 1) -> datetime:
    """In Shanghai."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)


YEAR = Calendar("year")
GOLD_IN_MAY = [(on(2024, 5, 1), 600)]


def test_a_tier_of_a_calendar_plan_holds_to_the_end_of_the_next_period():
    judged = judge(plan(YEAR), GOLD_IN_MAY, on(2025, 12, 31))

    assert (judged.place, judged.since, judged.value) == (2, on(2024, 5, 1), 0)
    assert judged.valid_until == judged.falls_at == judged.next_at == midnight(2026)
    assert judged.falls_to == 0


def test_who_reaches_it_again_is_confirmed_when_the_period_ends():
    gains = [*GOLD_IN_MAY, (on(2025, 6, 1), 500)]

    judged = judge(plan(YEAR), gains, on(2026, 2, 1))

    assert (judged.place, judged.since) == (2, on(2024, 5, 1))
    assert (judged.retained_at, judged.valid_until) == (midnight(2026), midnight(2027))


@pytest.mark.parametrize(("way", "place"), [("keep", 2), ("by_one", 1), ("to_fit", 0)])
def test_who_does_not_keeps_it_falls_by_one_or_to_fit(way: Way, place: int):
    assert judge(plan(YEAR, way), GOLD_IN_MAY, on(2026, 1, 2)).place == place


def test_falling_by_one_goes_on_year_by_year():
    places = [judge(plan(YEAR, "by_one"), GOLD_IN_MAY, on(year, 6, 1)).place for year in range(2024, 2029)]

    assert places == [2, 2, 1, 0, 0]


def test_falling_to_fit_stops_at_what_the_ended_period_reached():
    gains = [*GOLD_IN_MAY, (on(2025, 6, 1), 250)]

    assert judge(plan(YEAR), gains, on(2026, 2, 1)).place == 1


def test_grace_puts_the_fall_off_and_an_order_in_grace_saves_the_tier():
    graceful = plan(YEAR, grace=30)

    in_grace = judge(graceful, GOLD_IN_MAY, on(2026, 1, 10))
    saved = judge(graceful, [*GOLD_IN_MAY, (on(2026, 1, 20), 500)], on(2026, 1, 20))

    assert (in_grace.place, in_grace.falls_at) == (2, midnight(2026, 1, 31))
    assert (saved.place, saved.retained_at, saved.valid_until) == (2, on(2026, 1, 20), midnight(2028))
    assert judge(graceful, GOLD_IN_MAY, on(2026, 2, 1)).place == 0


def test_an_upgrade_at_the_end_of_the_period_waits_for_it():
    at_end = plan(Calendar("quarter", is_at_end=True))

    before = judge(at_end, GOLD_IN_MAY, on(2024, 6, 30))
    after = judge(at_end, GOLD_IN_MAY, on(2024, 7, 2))

    assert (before.place, before.next_at) == (0, midnight(2024, 7))
    assert (after.place, after.since, after.valid_until) == (2, midnight(2024, 7), midnight(2024, 10))


def test_a_rolling_window_loses_what_leaves_it():
    rolling = plan(Rolling(30 * DAY))
    gains = [(on(2024, 5, 1), 300), (on(2024, 5, 11), 300)]

    judged = judge(rolling, gains, on(2024, 5, 12))

    assert (judged.place, judged.falls_at, judged.falls_to) == (2, on(2024, 5, 31), 1)
    assert judge(rolling, gains, on(2024, 5, 31)).place == 1
    assert judge(rolling, gains, on(2024, 6, 10)).place == 0


def test_validity_holds_a_tier_that_the_window_has_left():
    held = plan(Rolling(30 * DAY, 90 * DAY))

    assert judge(held, GOLD_IN_MAY, on(2024, 7, 29)).place == 2
    assert judge(held, GOLD_IN_MAY, on(2024, 7, 30)).place == 0


def test_the_29th_of_february_ends_like_any_other_day():
    monthly = plan(Calendar("month"))

    assert judge(monthly, [(on(2024, 2, 29), 500)], on(2024, 3, 31)).place == 2
    assert judge(monthly, [(on(2024, 2, 29), 500)], on(2024, 4, 1)).place == 0


gains_of = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 700)), min_size=1, max_size=12).map(
    lambda rows: sorted((on(2024, 1, 1) + day * DAY, amount) for day, amount in rows)
)
plans = st.builds(
    plan,
    st.sampled_from(
        [
            Rolling(30 * DAY),
            Rolling(90 * DAY, 45 * DAY),
            Rolling(365 * DAY, 365 * DAY),
            YEAR,
            Calendar("quarter", 2),
            Calendar("month", is_at_end=True),
        ]
    ),
    st.sampled_from(["keep", "by_one", "to_fit"]),
    st.sampled_from([0, 10, 60]),
)


@given(plans, gains_of, st.integers(0, 1500))
def test_nobody_stands_below_what_he_reaches_nor_above_what_he_ever_reached(found: TierPlan, gains, days: int):
    at = on(2024, 1, 1) + days * DAY
    known = [gain for gain in gains if gain[0] <= at]

    judged = judge(found, known, at)

    is_at_end = isinstance(found.span, Calendar) and found.span.is_at_end
    best = max((found.place_for(Values(found, known).at(earned_at)) for earned_at, _ in known), default=0)
    assert judged.place <= best
    assert is_at_end or judged.place >= found.place_for(judged.value)


@given(plans, gains_of, st.integers(0, 1500))
def test_what_is_foretold_comes_true_when_nothing_is_earned(found: TierPlan, gains, days: int):
    at = gains[-1][0] + days * DAY
    judged = judge(found, gains, at)

    if judged.next_at is not None:
        still = judge(found, gains, judged.next_at - timedelta(microseconds=1))
        assert (still.place, still.since) == (judged.place, judged.since)
    if judged.falls_at is not None:
        after = judge(found, gains, judged.falls_at)
        assert after.place <= judged.falls_to
        assert after.since == judged.falls_at


@given(plans, gains_of)
def test_without_keeping_everybody_ends_in_the_first_tier(found: TierPlan, gains):
    far = gains[-1][0] + 5000 * DAY

    judged = judge(found, gains, far)

    assert judged.next_at is None
    assert judged.place == 0 or found.fall.way == "keep"


@given(gains_of)
def test_over_a_lifetime_the_way_is_that_of_the_balance(gains):
    for_life = plan(LIFETIME)
    by_instant: dict[datetime, int] = {}
    for at, amount in gains:
        by_instant[at] = by_instant.get(at, 0) + amount

    judged = judge(for_life, gains, gains[-1][0])

    assert judged.place == for_life.place_for(sum(amount for _, amount in gains))
    assert judged.since == since(for_life, sorted(by_instant.items()))
