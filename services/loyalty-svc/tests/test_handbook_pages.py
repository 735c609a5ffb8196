"""What the handbook tells programme managers is so: each document is taken by the service, each story comes true."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.accounts.types import Cost
from loyalty_svc.checkout.payment import PaymentDocument, Reason, compile_payment
from loyalty_svc.features import SERVICE
from loyalty_svc.liability.outlook import Breakage, Cell, worth
from loyalty_svc.milestones.plans import MilestoneDocument, Order, reached_by_orders
from loyalty_svc.milestones.plans import compile_plan as compile_milestone
from loyalty_svc.referrals.judging import Order as FriendsOrder
from loyalty_svc.referrals.judging import Referral, Refund, Status, judge
from loyalty_svc.referrals.programme import ReferralProgramme
from loyalty_svc.rewards.document import RewardDocument, compile_reward
from loyalty_svc.rewards.reward import Member, refusals
from loyalty_svc.rewards.wording import sentence
from loyalty_svc.surprises.surprise import Spent, SurpriseDocument, compile_surprise
from loyalty_svc.tasks.plans import TaskDocument, compile_task
from loyalty_svc.tasks.progress import Fact, states
from loyalty_svc.tiers.plans import TierPlanDocument, compile_plan
from loyalty_svc.tiers.walking import judge as judge_tier
from moat.kit.documents.kind import Published, Ref
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .house import House

HANDBOOK = Path(__file__).parents[3] / "docs/handbook"
SHOWN = re.compile(
    r"<!-- preview: (\S+) -->\n```json\n(.*?)```(?:(?:(?!```).)*?<!-- would -->\n```json\n(.*?)```)?", re.DOTALL
)
MANAGER = staff("loyalty:read", "loyalty:write")
PAGES = {
    "tier-plans.md": 1,
    "rewards-and-coupons.md": 2,
    "tasks-and-milestones.md": 3,
    "referrals.md": 1,
    "clubs.md": 1,
    "honours-and-surprises.md": 2,
    "paying-and-liability.md": 1,
}


def shown() -> list[Any]:
    """(page, route, body, what the preview says or "") of every document that is shown."""
    found = [(page, *shown) for page in PAGES for shown in SHOWN.findall((HANDBOOK / page).read_text("utf-8"))]
    return [pytest.param(*one, id=f"{one[0]} {json.loads(one[2])['code']}") for one in found]


def document(code: str) -> dict[str, Any]:
    """The document that is shown under a code."""
    bodies = [json.loads(parameters.values[2]) for parameters in shown()]
    (body,) = [body for body in bodies if body["code"] == code]
    return dict(body["document"])


def on(*day: int) -> datetime:
    """At noon in Shanghai."""
    return datetime(*day, 4, tzinfo=UTC)  # type: ignore[misc]


def test_every_page_shows_its_documents():
    pages = [parameters.values[0] for parameters in shown()]

    assert {page: pages.count(page) for page in PAGES} == PAGES


@pytest.mark.parametrize(("page", "path", "body", "would"), shown())
async def test_a_document_that_is_shown_is_taken(house: House, page: str, path: str, body: str, would: str):
    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.post(f"{path}/preview", json=json.loads(body), headers=MANAGER)

    assert answer.status_code == 200, answer.text
    assert answer.json()["doubts"] == []
    if would:
        assert json.loads(would) in answer.json()["would"].values()


def test_gold_is_kept_through_grace_and_falls_by_one():
    plan = compile_plan(TierPlanDocument.model_validate(document("tiers")), Ref("tier_plan", "tiers", 1))
    gains = [(on(2026, 5, 1), 2_150), (on(2027, 6, 1), 300)]

    before = judge_tier(plan, gains, on(2027, 12, 31))
    in_grace = judge_tier(plan, gains, on(2028, 1, 15))
    saved = judge_tier(plan, [*gains, (on(2028, 1, 20), 2_000)], on(2028, 2, 1))
    after = judge_tier(plan, gains, on(2028, 1, 31))

    tiers = [plan.tiers[judged.place].code for judged in (before, in_grace, saved, after)]
    assert tiers == ["gold", "gold", "gold", "silver"]
    assert before.since == on(2026, 5, 1)
    assert in_grace.falls_at == datetime(2028, 1, 30, 16, tzinfo=UTC)
    assert plan.fall.warn is not None
    assert in_grace.falls_at - plan.fall.warn == datetime(2027, 12, 1, 16, tzinfo=UTC)


def test_a_reward_says_how_many_points_are_missing():
    reward = compile_reward(RewardDocument.model_validate(document("spring-bag")), Ref("reward", "spring-bag", 1))
    now, units = on(2026, 12, 5), {"points": {"en": "points", "zh-CN": "积分"}}

    def against(points: int, *, days: int = 365, tier: str = "silver") -> list[str]:
        member = Member(tier, 700, {"points": points}, now - timedelta(days=days))
        found = refusals(reward, member, quantity=1, taken=0, had=0, now=now)
        return [sentence(one, language, units=units) for one in found for language in ("en", "zh-CN")]

    assert against(600) == ["200 more points are needed", "还差 200 积分"]
    assert against(800) == []
    assert len(against(800, days=29)) == len(against(800, tier="member")) == 2


@pytest.mark.parametrize(("third", "done"), [(30, 3), (31, 2)])
def test_three_orders_lie_within_thirty_days(third: int, done: int):
    task = compile_task(TaskDocument.model_validate(document("three-and-a-review")), Ref("task", "t", 1))
    days = [date(2026, 10, day) for day in (1, 15, third)]
    review = Fact(on(2026, 10, 20), uuid7(), "review", date(2026, 10, 20))
    known = [Fact(on(2026, 10, day.day), uuid7(), "orders", day, "CNY", 10_000) for day in days]

    orders, reviewed = states(task, [*known, review], today=days[-1])

    assert orders.done == done
    assert (orders.reached_at is None, reviewed.done) == (done < 3, 0)


@pytest.mark.parametrize(("kept", "at"), [(0, on(2026, 6, 7)), (5_000, on(2026, 4, 2))])
def test_the_third_order_that_counts_brings_the_coupon(kept: int, at: datetime):
    plan = compile_milestone(MilestoneDocument.model_validate(document("third-order")), Ref("milestone", "m", 1))
    days = [on(2026, 1, 5), on(2026, 3, 9), on(2026, 4, 2), on(2026, 6, 7)]
    orders = [Order(day, "CNY", 5_000, kept if day == on(2026, 4, 2) else 5_000) for day in days]

    versions = {"m": [Published(Ref("milestone", "m", 1), None, None, True, plan)]}
    reached = reached_by_orders(versions, orders, lambda at: ZoneInfo("Asia/Shanghai"))

    assert {key: one.at for key, one in reached.items()} == {("m", "2026"): at}


@pytest.mark.parametrize(("returned", "status"), [(0, Status.REWARDED), (6_400, Status.REJECTED)])
def test_a_friend_who_keeps_his_order_brings_the_reward(returned: int, status: Status):
    terms = ReferralProgramme.model_validate(document("friends"))
    used, bought = on(2026, 12, 1), on(2026, 12, 10)
    claimed = Referral(
        uuid7(), uuid7(), uuid7(), "friends@1", used, used + timedelta(days=terms.attribution_days), Status.CLAIMED
    )
    refunds = (Refund(on(2026, 12, 20), returned),) if returned else ()
    order = FriendsOrder(bought, uuid7(), "o-1", "e-1", "CNY", 12_800, refunds)

    early = judge(claimed, terms, [order], now=bought + timedelta(hours=1))
    late = judge(claimed, terms, [order], now=on(2027, 1, 5))

    assert late.status is status
    if not returned:
        assert (early.status, early.matures_at) == (Status.CONVERTED, on(2026, 12, 25))


def test_points_pay_in_whole_steps_for_half_of_the_goods():
    terms = PaymentDocument.model_validate(document("points-in-cny"))
    payment = compile_payment(terms, Ref("points_payment", "points-in-cny", 1))

    assert payment.usable(1_250, 9_800) == (1_200, None)
    assert payment.worth_minor(1_200) == 1_200
    assert payment.usable(20_000, 9_800) == (4_900, None)
    points, refusal = payment.usable(20_000, 800)
    assert refusal is not None
    assert (points, refusal.reason) == (0, Reason.BASKET_TOO_SMALL)


def test_a_quarter_that_expired_is_a_quarter_that_is_expected_to():
    cell = Cell("points", "silver", date(2027, 12, 1), 1_000_000, 0)

    sums = worth(cell, Cost(currency="CNY", minor_per_thousand=500), Breakage(expired=50_000, spent=150_000))

    assert (sums.expected_breakage, sums.cost_minor, sums.expected_cost_minor) == (250_000, 500_000, 375_000)


def test_the_budget_of_a_surprise_is_for_its_winners_and_no_more():
    surprise = compile_surprise(SurpriseDocument.model_validate(document("singles-day")), Ref("surprise", "s", 1))

    assert surprise.affords(Spent()) == surprise.winners == 50
    assert surprise.affords(Spent(points=5_550 - 111)) == 1
