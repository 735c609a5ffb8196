"""Tier plans and tasks run over what happened, and the hearts of comparing."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.accounts.types import Cost
from loyalty_svc.simulation import comparing
from loyalty_svc.simulation.comparing import Comparison, Outcome, Tally, cost_minor, week_of
from loyalty_svc.tasks.plans import TASKS
from moat.kit.ids import uuid7

from .builders import a_customer, at, paid, refunded
from .house import House
from .past import Past, given, net
from .task_plans import a_step, a_task, an_activity, did
from .task_plans import publish as publish_task
from .tier_club import Club, a_plan

STREAK = a_task(an_activity("visits", "check_in", kind="streak", days=3), every="month")


@pytest.fixture
async def past(house: House, pglog_url: str) -> AsyncIterator[Past]:
    shop = await Past.begin(house, pglog_url)
    yield shop
    await shop.log.close()


async def test_a_tier_plan_says_who_would_rise_and_fall_and_publishing_it_does_just_that(past: Past):
    club = Club(past.house)
    await club.publish(a_plan())
    li, wang, zhao, lin = (uuid7() for _ in range(4))
    await past.happen(
        *map(a_customer, (li, wang, zhao, lin)),
        paid(li, 30_000, day=10),
        paid(wang, 60_000, day=80),
        paid(zhao, 5_000, day=20),
        paid(lin, 120_000, day=95),
    )
    draft = a_plan({"member": 0, "silver": 100, "gold": 1_000, "black": 1_200}, span={"kind": "rolling", "days": 60})

    found = await past.simulate("tier_plan", "tiers", draft)

    result = found["result"]
    assert [(one["from_tier"], one["to_tier"], one["members"]) for one in result["moves"]] == [
        ("gold", "silver", 1),
        ("silver", "member", 1),
    ]
    assert (result["winners"], result["losers"], result["unchanged"]) == (0, 2, 2)
    assert {one["tier"]: (one["published"], one["draft"]) for one in result["tiers"]} == {
        "member": (1, 2),
        "silver": (1, 1),
        "gold": (1, 0),
        "black": (1, 1),
    }
    assert await past.customers(found["id"], "losers") == {li: (1, 0), wang: (2, 1)}
    assert sum(week["published_rises"] for week in result["turns_by_week"]) == 3
    assert sum(week["draft_falls"] for week in result["turns_by_week"]) == 1
    assert result["summary"].startswith("With the draft 0 members would rise today, 2 fall, and 2 stay.")

    club.shop.staff = past.staff
    path = f"/v1/loyalty/simulations/{found['id']}/publish"
    answer = await past.ask("POST", path, {}, **{"If-Match": f'"{found["draft_revision"]}"'})
    assert answer.status_code == 200, answer.text
    await club.ring()
    assert [await club.tier(who) for who in (li, wang, zhao, lin)] == ["member", "silver", "member", "black"]


async def test_a_tier_that_was_granted_by_hand_stays_on_top(past: Past):
    club = Club(past.house)
    await club.publish(a_plan())
    li = uuid7()
    await past.happen(a_customer(li), paid(li, 30_000))
    assert (await club.grant(li, "gold", at(300))).status_code == 201

    found = await past.simulate("tier_plan", "tiers", a_plan({"member": 0, "silver": 1_000, "gold": 2_000}))

    assert found["result"]["unchanged"] == 1
    assert {"tier": "gold", "published": 1, "draft": 1} in found["result"]["tiers"]


async def test_a_task_says_who_would_have_completed_it_and_publishing_it_rewards_just_them(past: Past):
    await publish_task(past.house, "visits", STREAK)
    who = [uuid7() for _ in range(3)]
    facts = [
        *map(a_customer, who),
        *(did(who[0], day=day) for day in (1, 2, 3)),
        *(did(who[1], day=day) for day in (1, 2, 4, 5)),
        did(who[1], day=5),
        did(who[2], "review", day=6),
    ]
    await past.happen(*facts)

    draft = a_task(an_activity("visits", "check_in", kind="streak", days=2), every="month")
    found = await past.simulate("task", "visits", draft)

    result = found["result"]
    assert given(result) == (sum((await net(past.house)).values()), 200) == (100, 200)
    assert (result["completions"], result["measure"]) == ({"published": 1, "draft": 2}, "points")
    assert await past.customers(found["id"]) == {who[1]: (0, 100)}


async def test_orders_that_are_given_back_do_not_complete_a_task(past: Past):
    li, wang, first, second = (uuid7() for _ in range(4))
    await past.happen(
        refunded(li, first, 10_000, day=3),
        paid(li, 10_000, order=first, day=1),
        paid(li, 10_000, day=2),
        paid(wang, 10_000, order=second, day=1),
        paid(wang, 10_000, day=2),
        refunded(wang, second, 5_000, day=3),
    )

    found = await past.simulate("task", "two", a_task(a_step(times=2)))

    assert await past.customers(found["id"]) == {wang: (0, 100)}
    assert found["result"]["completions"] == {"published": 0, "draft": 1}


async def test_what_gives_no_points_is_compared_by_completions(past: Past):
    await past.happen(paid(uuid7(), 10_000))

    found = await past.simulate("task", "badge", a_task(a_step(times=1), reward=None))

    assert (found["result"]["measure"], found["result"]["winners"], found["result"]["difference"]) == (
        "completions",
        1,
        1,
    )
    assert "would have been completed 1 times instead of 0 (+1)" in found["result"]["summary"]
    assert TASKS.name == found["kind"]


def test_only_those_whom_a_draft_changes_most_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "KEPT_MAX", 3)
    comparison = Comparison()
    for number in range(10):
        comparison.take(Outcome(UUID(int=number), 10, 10 + (number if number % 2 else -number), "member"))

    assert [one.difference for one in comparison.kept()] == [9, -8, 7]
    result = comparison.result({})
    assert (result["winners"], result["losers"], result["unchanged"]) == (5, 4, 1)
    assert result["draft"] - result["published"] == 1 + 3 + 5 + 7 + 9 - 2 - 4 - 6 - 8


def test_costs_round_up_and_weeks_begin_on_monday_in_the_zone():
    cost = Cost(currency="CNY", minor_per_thousand=999)
    assert [cost_minor(points, cost) for points in (0, 1, 1_000, 1_001)] == [0, 1, 999, 1_000]
    assert cost_minor(5, None) is None
    sunday_night = at(0).replace(year=2026, month=11, day=22, hour=15, minute=59)
    assert week_of(sunday_night, ZoneInfo("Asia/Shanghai")) == date(2026, 11, 16)
    assert week_of(sunday_night.replace(hour=16), ZoneInfo("Asia/Shanghai")) == date(2026, 11, 23)


def test_a_tally_knows_columns_that_only_one_run_gave():
    tally = Tally()
    tally.add(comparing.DRAFT, UUID(int=1), date(2026, 11, 16), "points", 5)
    tally.add(comparing.PUBLISHED, UUID(int=2), date(2026, 11, 16), "growth", 7)

    assert tally.of(tally.customers[UUID(int=1)], ["points", "growth"]) == (0, 5)
    assert (tally.total("points"), tally.total("growth")) == ((0, 5), (7, 0))
