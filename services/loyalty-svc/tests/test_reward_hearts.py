"""Who may have a reward, and the way of a redemption: pure."""

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from loyalty_svc.rewards.document import RewardDocument, compile_reward
from loyalty_svc.rewards.reward import NEXT, STANDS, Member, Reason, Reward, State, allowed_actions, may, refusals
from loyalty_svc.rewards.wording import SENTENCES, sentence
from moat.kit.documents.kind import Ref
from moat.kit.problems import Invalid
from moat.kit.testing.events import TODAY

NAMES = {"zh-CN": "马克杯", "en": "Mug"}
UNITS = {
    "points": {"zh-CN": "积分", "en": "points"},
    "stamps": {"zh-CN": "枚", "en": "stamps"},
}
LI = Member("silver", 250, {"points": 120, "growth": 250}, TODAY - timedelta(days=40))


def a_reward(points: int = 100, **more: Any) -> Reward:
    document = {"kind": "good", "names": NAMES, "price": {"points": points}, **more}
    return compile_reward(RewardDocument.model_validate(document), Ref("reward", "mug", 1))


def why(reward: Reward, *, quantity: int = 1, taken: int = 0, had: int = 0) -> list[str]:
    found = refusals(reward, LI, quantity=quantity, taken=taken, had=had, now=TODAY)
    return [sentence(one, "en", units=UNITS) for one in found]


def test_nothing_speaks_against_a_reward_that_he_can_pay():
    assert why(a_reward(120)) == []


@pytest.mark.parametrize(
    ("more", "seen", "text"),
    [
        ({"points": 200}, {}, "80 more points are needed"),
        ({"stock": 5}, {"taken": 4, "quantity": 2, "points": 10}, "Not enough are left: 1"),
        ({"stock": 0}, {}, "Not enough are left: 0"),
        ({"per_customer": {"times": 1}}, {"had": 1}, "Each member may have 1"),
        ({"per_customer": {"times": 2, "days": 30}}, {"had": 2}, "Each member may have 2 within 30 days"),
        ({"per_customer": {"times": 1, "days": 1}}, {"had": 1}, "Each member may have 1 within 1 day"),
        ({"starts_at": TODAY + timedelta(days=1)}, {}, "It can be had from 2026-11-21 16:00"),
        ({"ends_at": TODAY}, {}, "It ended on 2026-11-20 16:00"),
    ],
)
def test_a_reason_is_said_in_words(more: Any, seen: Any, text: str):
    points = seen.pop("points", more.pop("points", 100))

    assert why(a_reward(points, **more), **seen) == [text]


@pytest.mark.parametrize(
    ("rule", "en"),
    [
        ({"field": "tier", "operator": "in", "value": ["gold", "black"]}, "the tier must be one of gold, black"),
        ({"field": "days_a_member", "operator": ">=", "value": 100}, "the days of membership 60 more is needed"),
        ({"field": "growth", "operator": ">=", "value": 500}, "the growth 250 more is needed"),
    ],
)
def test_who_may_have_it_is_said_in_words(rule: Any, en: str):
    assert why(a_reward(condition={"combinator": "and", "rules": [rule]})) == [f"It is not for everybody: {en}"]


def test_every_reason_is_told_and_not_only_the_first():
    reward = a_reward(999, stock=1, per_customer={"times": 1}, ends_at=TODAY)

    assert len(why(reward, taken=1, had=1)) == 4


def test_there_is_a_sentence_for_every_reason_in_both_languages():
    assert set(SENTENCES) == set(Reason)
    assert all(texts.keys() == {"zh-CN", "en"} for texts in SENTENCES.values())


def test_a_limit_within_days_counts_from_then():
    limit = a_reward(per_customer={"times": 1, "days": 30}).per_customer

    assert limit is not None
    assert limit.since(TODAY) == TODAY - timedelta(days=30)


def test_a_redemption_that_is_over_stays_over():
    states = get_args(State)
    assert set(NEXT) == set(states)
    for state, to in product(states, states):
        if state not in STANDS:
            assert not may(state, to)
    assert allowed_actions("reserved") == ["cancel", "confirm"]
    assert allowed_actions("redeemed") == ["fulfil", "refund", "send"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price": {"points": 1, "money": {"currency": "QQQ", "amount_minor": 1}}}, "/price/money/currency"),
        (
            {"condition": {"combinator": "and", "rules": [{"field": "teir", "operator": "=", "value": "x"}]}},
            "/condition/rules/0/field",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_the_place(change: Any, pointer: str):
    with pytest.raises(Invalid) as refused:
        a_reward(**change)

    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "coupon"},
        {"kind": "good", "coupon": "twenty-off"},
        {"price": {"points": 0}},
        {"price": {"points": -5}},
        {"price": {"points": 10**12 + 1}},
        {"names": {"en": "Mug"}},
        {"colour": "red"},
        {"ends_at": "9999-12-31T23:59:59Z"},
        {"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_document_that_makes_no_sense_is_refused(change: Any):
    document = {"kind": "good", "names": NAMES, "price": {"points": 1}} | change

    with pytest.raises(ValueError, match="validation error"):
        RewardDocument.model_validate(document)
