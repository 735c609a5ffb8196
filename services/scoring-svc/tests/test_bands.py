"""Bands, what is announced, and the reasons, without anything around them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring_svc.risk.bands import PRIOR, Assessment, News, news
from scoring_svc.risk.reasons import reasons
from scoring_svc.silence.purchases import Payment, Refund, net_minor, purchase_date
from scoring_svc.silence.rhythm import Rhythm, score

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_assessment(*, days: int = 1, span: int = 0, last: datetime = NOON, value_minor: int = 12_000) -> Assessment:
    return Assessment.of(Rhythm(days, span, last), orders_count=days, value_minor=value_minor, value_currency="USD")


@given(st.integers(0, 500 * 86_400_000))
def test_the_band_by_instants_is_the_band_of_the_unrounded_score(milliseconds: int):
    risk, at = an_assessment(days=3, span=40), NOON + timedelta(milliseconds=milliseconds)

    by_score = "high" if risk.score(at) >= 80 else "medium" if risk.score(at) >= 50 else "low"

    assert risk.band(at) == by_score


def test_a_score_just_under_eighty_is_medium():
    risk = an_assessment()

    at = risk.high_at - timedelta(milliseconds=1)

    assert round(risk.score(at), 4) == 80.0
    assert risk.band(at) == "medium"


@pytest.mark.parametrize(
    ("was_raised", "before", "after", "told"),
    [
        (False, None, an_assessment(), None),
        (False, None, an_assessment(last=NOON - timedelta(days=300)), News.RAISED),
        (True, an_assessment(last=NOON - timedelta(days=300)), an_assessment(), News.CLEARED),
        (
            True,
            an_assessment(last=NOON - timedelta(days=300)),
            an_assessment(last=NOON - timedelta(days=300), value_minor=9_999),
            News.CHANGED,
        ),
        (
            True,
            an_assessment(last=NOON - timedelta(days=300)),
            an_assessment(last=NOON - timedelta(days=300)),
            None,
        ),
        (True, None, an_assessment(last=NOON - timedelta(days=300)), News.CHANGED),
    ],
)
def test_what_is_announced(was_raised: bool, before: Assessment | None, after: Assessment, told: News | None):
    assert news(was_raised=was_raised, before=before, after=after, at=NOON) is told


def test_reasons_add_up_to_the_score_and_speak_both_languages():
    rhythm, at = Rhythm(10, 90, NOON), NOON + timedelta(days=47, hours=3)

    found = reasons(rhythm, at, PRIOR)

    assert sum(reason.weight for reason in found) == pytest.approx(score(rhythm, at, PRIOR))
    assert {reason.code for reason in found} == {"silence.days", "silence.rhythm"}
    assert abs(found[0].weight) >= abs(found[1].weight)
    texts = {reason.code: (reason.text("zh-CN"), reason.text("en")) for reason in found}
    assert texts["silence.days"] == ("已有 47 天没有购买", "No purchase for 47 days")
    assert texts["silence.rhythm"] == ("平时大约每 15 天购买一次", "Usually buys about every 15 days")


def test_a_customer_of_one_day_has_no_rhythm_of_his_own():
    codes = [reason.code for reason in reasons(Rhythm(1, 0, NOON), NOON + timedelta(days=100), PRIOR)]

    assert codes == ["silence.days", "silence.single_day"]


def test_a_purchase_day_is_a_civil_day_in_shanghai():
    assert purchase_date(datetime(2026, 3, 1, 15, 59, tzinfo=UTC)).isoformat() == "2026-03-01"
    assert purchase_date(datetime(2026, 3, 1, 16, 0, tzinfo=UTC)).isoformat() == "2026-03-02"


def test_never_more_goes_back_than_was_paid_and_only_in_its_currency():
    paid = Payment(NOON, "CNY", 1_000)

    assert net_minor(paid, {}) == 1_000
    assert net_minor(paid, {"r1": Refund("CNY", 300), "r2": Refund("CNY", 300)}) == 400
    assert net_minor(paid, {"r1": Refund("CNY", 1_001)}) == 0
    assert net_minor(paid, {"r1": Refund("USD", 300)}) == 1_000
