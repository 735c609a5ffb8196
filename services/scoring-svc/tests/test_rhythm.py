"""The heart of silence, without anything around it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring_svc.silence.rhythm import (
    Prior,
    Rhythm,
    crosses_at,
    probability,
    score,
    silent_days,
    usual_days,
    whole_milliseconds,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRIOR = Prior()
MILLISECOND = timedelta(milliseconds=1)


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    gaps = draw(st.integers(0, 400))
    span = gaps + draw(st.integers(0, 20_000)) if gaps else 0
    seconds = draw(st.floats(0, 1.7e9))
    return Rhythm(gaps + 1, span, datetime.fromtimestamp(seconds, UTC))


def test_one_purchase_is_judged_by_the_prior_alone():
    once = Rhythm(1, 0, NOON)

    assert probability(once, NOON + timedelta(days=60), PRIOR) == pytest.approx(0.5)
    assert score(once, NOON + timedelta(days=240), PRIOR) == pytest.approx(80)
    assert usual_days(once, PRIOR) == 60
    assert crosses_at(once, 80, PRIOR) - NOON == pytest.approx(timedelta(days=240), abs=MILLISECOND)


def test_a_steady_buyer_is_missed_sooner():
    weekly = Rhythm(27, 182, NOON)

    assert usual_days(weekly, PRIOR) == pytest.approx((60 + 182) / 27)
    assert crosses_at(weekly, 80, PRIOR) < NOON + timedelta(days=16)


def test_the_score_is_the_tail_of_the_lomax_distribution():
    rhythm = Rhythm(4, 90, NOON)

    expected = 100 * (1 - ((60 + 90) / (60 + 90 + 33.5)) ** (1 + 3))

    assert score(rhythm, NOON + timedelta(days=33.5), PRIOR) == pytest.approx(expected)


def test_before_the_last_payment_there_is_no_silence():
    rhythm = Rhythm(1, 0, NOON)

    assert silent_days(rhythm, NOON - timedelta(minutes=5)) == 0
    assert score(rhythm, NOON - timedelta(minutes=5), PRIOR) == 0


def test_days_that_do_not_fit_into_their_span_are_no_rhythm():
    with pytest.raises(ValueError, match="3 purchase days"):
        Rhythm(3, 1, NOON)


@given(rhythms(), st.sampled_from([50.0, 80.0, 1.0, 99.9]))
def test_the_crossing_is_the_first_millisecond_that_reaches_the_threshold(rhythm: Rhythm, threshold: float):
    at = crosses_at(rhythm, threshold, PRIOR)

    assert at == whole_milliseconds(at)
    assert score(rhythm, at, PRIOR) >= threshold
    assert score(rhythm, at - MILLISECOND, PRIOR) < threshold


@given(rhythms(), st.sampled_from([50.0, 80.0]))
def test_the_crossing_agrees_with_brute_force(rhythm: Rhythm, threshold: float):
    """Halve the range between not yet and certainly, looking at nothing but the formula as the interface states it."""

    def surprise(at: datetime) -> float:
        gap = (at - rhythm.last_paid_at).total_seconds() / 86_400
        scale = 60 + rhythm.span_days
        return 100 * (1 - (scale / (scale + gap)) ** (1 + rhythm.purchase_days - 1))

    early, late = rhythm.last_paid_at, rhythm.last_paid_at + timedelta(days=5 * (60 + rhythm.span_days))
    while late - early > timedelta(microseconds=1):
        middle = early + (late - early) / 2
        early, late = (early, middle) if surprise(middle) >= threshold else (middle, late)

    assert abs(crosses_at(rhythm, threshold, PRIOR) - late) <= MILLISECOND


@given(rhythms(), st.integers(0, 10**9), st.integers(1, 10**9))
def test_silence_only_grows(rhythm: Rhythm, first: int, more: int):
    earlier = rhythm.last_paid_at + timedelta(seconds=first)

    assert score(rhythm, earlier, PRIOR) <= score(rhythm, earlier + timedelta(seconds=more), PRIOR) < 100.000001
