"""The heart of limits: what still fits, in which period, and what is noted of what does not."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.earning.limits import starts_at

from .rulebook import LI, Asked, a_rule, an_order, at_most, fixed, judge, times

WANG = UUID(int=3)
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
KOLKATA, LORD_HOWE = ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("per", "instant", "zone", "begun"),
    [
        ("day", "2026-03-01T15:59:59", SHANGHAI, "2026-02-28T16:00:00"),
        ("day", "2026-03-01T16:00:00", SHANGHAI, "2026-03-01T16:00:00"),
        ("week", "2026-03-01T15:59:59", SHANGHAI, "2026-02-22T16:00:00"),
        ("month", "2026-02-28T16:00:00", SHANGHAI, "2026-02-28T16:00:00"),
        ("hour", "2026-02-28T16:59:59", SHANGHAI, "2026-02-28T16:00:00"),
        # The day on which New York's clocks go forward has 23 hours, the one on which they go back 25.
        ("day", "2026-03-09T03:59:59", NEW_YORK, "2026-03-08T05:00:00"),
        ("day", "2026-03-09T04:00:00", NEW_YORK, "2026-03-09T04:00:00"),
        ("day", "2026-11-02T04:59:59", NEW_YORK, "2026-11-01T04:00:00"),
        ("month", "2028-02-29T12:00:00", NEW_YORK, "2028-02-01T05:00:00"),
    ],
)
def test_periods_begin_at_midnight_in_the_programmes_zone(per, instant: str, zone: ZoneInfo, begun: str):
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert starts_at(per, at, zone) == datetime.fromisoformat(begun).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "zone", "begun"),
    [
        # 10:05 and 10:55 in India.
        ("2026-01-01T04:35:00", KOLKATA, "2026-01-01T04:30:00"),
        ("2026-01-01T05:25:00", KOLKATA, "2026-01-01T04:30:00"),
        ("2026-01-01T05:30:00", KOLKATA, "2026-01-01T05:30:00"),
        # 01:30 of summer time in New York, and 01:30 again an hour later.
        ("2026-11-01T05:30:00", NEW_YORK, "2026-11-01T05:00:00"),
        ("2026-11-01T06:30:00", NEW_YORK, "2026-11-01T06:00:00"),
        # Of the hours before and after the one that is left out in spring.
        ("2026-03-08T06:59:59", NEW_YORK, "2026-03-08T06:00:00"),
        ("2026-03-08T07:00:00", NEW_YORK, "2026-03-08T07:00:00"),
        # Lord Howe's clocks go back from 02:00 to 01:30: its hour from 01:00 has half an hour more.
        ("2026-04-04T14:59:59", LORD_HOWE, "2026-04-04T14:00:00"),
        ("2026-04-04T15:15:00", LORD_HOWE, "2026-04-04T14:00:00"),
        ("2026-04-04T15:30:00", LORD_HOWE, "2026-04-04T15:30:00"),
        # They go forward from 02:00 to 02:30: its hour from 02:00 has half an hour.
        ("2026-10-03T15:45:00", LORD_HOWE, "2026-10-03T15:30:00"),
        ("2026-10-03T16:00:00", LORD_HOWE, "2026-10-03T16:00:00"),
    ],
)
def test_hours_are_those_of_the_programmes_zone(instant: str, zone: ZoneInfo, begun: str):
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert starts_at("hour", at, zone) == datetime.fromisoformat(begun).replace(tzinfo=UTC)


def test_cap_gives_what_still_fits_and_refuse_gives_nothing():
    capped = Asked(judge(r=a_rule(fixed(40), limits=[at_most(100)])))
    refused = Asked(judge(r=a_rule(fixed(40), limits=[at_most(100, way="refuse")])))

    assert [capped.points(an_order()).get("r", 0) for _ in range(4)] == [40, 40, 20, 0]
    assert [refused.points(an_order()).get("r", 0) for _ in range(4)] == [40, 40, 0, 0]


def test_what_was_cut_says_by_which_limit():
    asked = Asked(judge(r=a_rule(fixed(40), limits=[at_most(60)], budget=70)))

    noted = [note for _ in range(3) for note in asked.about(an_order()).noted]

    assert [(note.wanted, note.points, note.cut_by) for note in noted] == [
        (40, 20, "customer/day/points"),
        (40, 0, "customer/day/points"),
    ]
    assert asked.about(an_order(), customer=WANG).noted[0].cut_by == "budget"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("others", "points", "cut_by"),
    [
        ([at_most(60, per="week", way="refuse")], 50, "customer/day/points"),
        ([at_most(40, per="week", way="refuse")], 0, "customer/week/points"),
        ([at_most(60, per="week", way="hold")], 50, "customer/day/points"),
        ([at_most(60, per="week", way="refuse"), at_most(45, per="month")], 45, "customer/month/points"),
    ],
)
def test_what_caps_leave_is_refused_or_held_whatever_the_order_of_limits(
    turned: bool, others: list[dict[str, Any]], points: int, cut_by: str
):
    limits = [at_most(50), *others]
    asked = Asked(judge(r=a_rule(fixed(100), limits=limits[::-1] if turned else limits)))

    decided = asked.about(an_order())

    assert [(note.points, note.cut_by, note.is_held) for note in decided.noted] == [(points, cut_by, False)]


def test_a_rules_refusal_is_about_what_the_programmes_cap_leaves():
    refusing = a_rule(fixed(100), limits=[at_most(60, way="refuse")])
    asked = Asked(judge({"limits": [at_most(50)]}, r=refusing))

    assert asked.points(an_order()) == {"r": 50}


def test_a_budget_pays_to_its_last_point():
    asked = Asked(judge(r=a_rule(fixed(40), budget=100)))

    given = [asked.points(an_order(), day=day, customer=UUID(int=day)).get("r", 0) for day in range(1, 6)]

    assert given == [40, 40, 20, 0, 0]


def test_a_limit_of_one_does_not_touch_another_and_ends_with_its_period():
    asked = Asked(judge(r=a_rule(fixed(10), limits=[at_most(1, what="awards", way="refuse")])))

    given = [
        bool(asked.points(an_order(), day=day, customer=who)) for who, day in ((LI, 1), (LI, 1), (WANG, 1), (LI, 2))
    ]

    assert given == [True, False, True, True]


def test_limits_of_the_programme_hold_for_all_rules_together():
    asked = Asked(judge({"limits": [at_most(50)]}, a=a_rule(fixed(40)), b=a_rule(fixed(40))))

    assert asked.points(an_order()) == {"a": 40, "b": 10}
    assert asked.about(an_order()).noted[0].cut_by == "programme/customer/day/points"


def test_a_cooldown_refuses_what_is_too_near_whichever_arrives_first():
    asked = Asked(judge(r=a_rule(fixed(1), cooldown_hours=24)))

    assert [bool(asked.points(an_order(), day=day)) for day in (5, 5.5, 4.5, 6, 4, 6.5)] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_velocity_guard_holds_what_comes_too_fast():
    asked = Asked(judge(r=a_rule(fixed(10), limits=[at_most(2, per="hour", what="awards", way="hold")])))

    decided = [asked.about(an_order()) for _ in range(3)]

    assert [bool(one.awards) for one in decided] == [True, True, False]
    assert [(note.points, note.is_held) for note in decided[2].noted] == [(10, True)]


def test_what_is_on_top_of_a_held_award_waits_with_it_within_its_own_limits():
    guarded = a_rule(fixed(100), limits=[at_most(50, way="hold")])
    double = a_rule(times("base", "2"), limits=[at_most(150)])
    asked = Asked(judge(base=guarded, double=double, other=a_rule(fixed(1))))

    decided = [asked.about(an_order()) for _ in range(3)]

    assert [[award.code for award in one.awards] for one in decided] == [["other"]] * 3
    assert [[(note.rule.ref.code, note.points, note.cut_by) for note in one.noted] for one in decided] == [
        [("base", 100, "customer/day/points"), ("double", 100, "base/base")],
        [("base", 100, "customer/day/points"), ("double", 50, "base/base")],
        [("base", 100, "customer/day/points"), ("double", 0, "customer/day/points")],
    ]


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(1, 3_000), st.sampled_from(["cap", "refuse"]))
def test_nothing_goes_over_a_limit_and_a_cap_leaves_nothing_unpaid(wanted: list[int], limit: int, way: str):
    asked = Asked(judge(r=a_rule({"kind": "rate", "points": 1}, limits=[at_most(limit, way=way)])))

    given = [asked.points(an_order(units * 100)).get("r", 0) for units in wanted]

    assert sum(given) <= limit
    assert sum(given) == min(limit, sum(wanted)) or way == "refuse"
