"""How far a task is: windows, streaks, order of steps, and which version decides. Pure."""

from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.tasks.periods import period_of
from loyalty_svc.tasks.plans import TASKS, Task, TaskDocument, compile_task
from loyalty_svc.tasks.progress import Fact, StepState, completion, states
from loyalty_svc.tasks.wording import missing
from moat.kit.documents.kind import Published, Ref, WrongDocument
from moat.kit.ids import uuid7

from .builders import at
from .task_plans import NAMES, a_step, a_task


def a_version(document: dict[str, Any], *, version: int = 1, since: float | None = None) -> Published[Task]:
    ref = Ref("task", "t", version)
    task = compile_task(TaskDocument.model_validate(document), ref)
    return Published(ref, None if since is None else at(since), None, True, task)


def facts(*days: float, step: str = "orders", kept: int = 0, currency: str | None = None) -> list[Fact]:
    return [Fact(at(day), uuid7(), step, at(day).date(), currency, kept) for day in days]


def reached(document: dict[str, Any], known: list[Fact], *, today: float = 100) -> list[Any]:
    found = states(a_version(document).value, known, today=at(today).date())
    return [(one.done, one.reached_at) for one in found]


def streak(days: int) -> dict[str, Any]:
    return a_task(a_step() | {"target": {"kind": "streak", "days": days}})


def test_three_orders_in_thirty_days_need_the_first_and_the_third_within_thirty_days():
    document = a_task(a_step(times=3, within_days=30))

    assert reached(document, facts(1, 15, 30)) == [(3, at(30))]
    assert reached(document, facts(1, 15, 31), today=31) == [(2, None)]
    assert reached(document, facts(1, 15, 31, 44)) == [(3, at(44))]


def test_what_a_window_has_left_behind_is_no_progress():
    document = a_task(a_step(times=3, within_days=30))

    assert reached(document, facts(1, 15), today=20) == [(2, None)]
    assert reached(document, facts(1, 15), today=35) == [(1, None)]
    assert reached(document, facts(1, 15), today=60) == [(0, None)]


def test_a_streak_needs_every_day_and_a_day_counts_once():
    assert reached(streak(3), facts(1, 1.1, 2, 3)) == [(3, at(3))]
    assert reached(streak(3), facts(1, 2, 4, 5), today=5) == [(2, None)]
    assert reached(streak(3), facts(1, 2, 4, 5), today=6) == [(2, None)]
    assert reached(streak(3), facts(1, 2, 4, 5), today=7) == [(0, None)]


def test_an_amount_counts_what_was_kept_in_its_currency():
    target = {"kind": "amount", "amount_minor": 5_000, "currency": "CNY"}
    document = a_task(a_step() | {"target": target})
    known = facts(1, kept=3_000, currency="CNY") + facts(2, kept=9_000, currency="USD")

    assert reached(document, known) == [(3_000, None)]
    assert reached(document, known + facts(3, kept=2_000, currency="CNY")) == [(5_000, at(3))]


def test_steps_in_order_count_what_happens_after_the_one_before():
    steps = [a_step("first", times=1), a_step("second", times=2)]
    known = facts(1, step="second") + facts(2, step="first") + facts(3, 4, step="second")

    assert reached(a_task(*steps), known) == [(1, at(2)), (2, at(3))]
    assert reached(a_task(*steps, in_order=True), known) == [(1, at(2)), (2, at(4))]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 2**32))
def test_facts_in_any_order_come_to_the_same(days: list[int], seed: int):
    documents = [a_task(a_step(times=3, within_days=7)), streak(3)]
    known = facts(*days)
    shuffled = known[:]
    Random(seed).shuffle(shuffled)

    for document in documents:
        assert reached(document, known) == reached(document, shuffled)
        versions = [a_version(document)]
        assert completion(versions, known, "ever") == completion(versions, shuffled, "ever")


@given(st.lists(st.integers(0, 25), max_size=15), st.integers(2, 5))
def test_a_streak_is_reached_when_and_only_when_so_many_days_follow_each_other(days: list[int], needed: int):
    known = set(days)
    expected = [last for last in sorted(known) if all(last - before in known for before in range(needed))]

    ((_, reached_at),) = reached(streak(needed), facts(*days))

    assert (reached_at.date() if reached_at else None) == (at(expected[0]).date() if expected else None)


def test_a_new_version_decides_from_its_own_time_on():
    five, two = a_version(a_task(a_step(times=5))), a_version(a_task(a_step(times=2)), version=2, since=10)

    assert completion([five, two], facts(1, 2, 3), "ever") is None
    done = completion([five, two], facts(1, 2, 3, 12), "ever")
    assert done is not None
    assert (done.task.rule, done.at) == ("t@2", at(12))


@pytest.mark.parametrize(
    ("every", "period"),
    [
        ("ever", "ever"),
        ("day", "2026-12-31"),
        ("week", "2026-W53"),
        ("month", "2026-12"),
        ("quarter", "2026-Q4"),
        ("year", "2026"),
    ],
)
def test_a_day_belongs_to_one_period_of_each_kind(every: Any, period: str):
    assert period_of(every, date(2026, 12, 31)) == period


def test_a_week_may_belong_to_the_year_before():
    assert period_of("week", date(2027, 1, 1)) == "2026-W53"


def test_what_is_missing_is_said_in_both_languages():
    amount = {"kind": "amount", "amount_minor": 5_000, "currency": "CNY"}
    for target, zh, en in [
        ({"kind": "times", "times": 3, "within_days": 30}, "30 天内还需 3 次", "3 more to go within 30 days"),
        ({"kind": "times", "times": 3}, "还需 3 次", "3 more to go"),
        ({"kind": "streak", "days": 7}, "还需连续 7 天", "7 more days running"),
        ({"kind": "times", "times": 1, "within_days": 1}, "1 天内还需 1 次", "1 more to go within 1 day"),
        (amount, "还差 50.00 CNY", "50.00 CNY to go"),
        (amount | {"currency": "JPY", "within_days": 9}, "9 天内还差 5000 JPY", "5000 JPY to go within 9 days"),
    ]:
        task = a_version(a_task(a_step() | {"target": target})).value
        (state,) = states(task, [], today=at(1).date())
        assert (missing(task.steps[0], state, "zh-CN"), missing(task.steps[0], state, "en")) == (zh, en)


def test_the_last_day_of_a_streak_is_said_in_the_singular():
    (step,) = a_version(a_task(a_step() | {"target": {"kind": "streak", "days": 7}})).value.steps

    assert missing(step, StepState(step.code, 6, 7, None), "en") == "1 more day running"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (a_task(a_step(on="order.payd", times=1)), "/steps/0/on"),
        (a_task(a_step(times=1), a_step(times=2)), "/steps/1/code"),
        (
            a_task(a_step(on="ticket.closed") | {"target": {"kind": "amount", "amount_minor": 1}}),
            "/steps/0/target/kind",
        ),
        (
            a_task(a_step() | {"target": {"kind": "amount", "amount_minor": 1, "currency": "XYX"}}),
            "/steps/0/target/currency",
        ),
        (streak(8) | {"every": "week"}, "/steps/0/target/days"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_the_place(document: dict[str, Any], pointer: str):
    with pytest.raises(WrongDocument) as refused:
        TASKS.compile(TASKS.model.model_validate(document), Ref("task", "t", 1))

    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_names_are_those_of_the_language():
    assert a_version(a_task()).value.names == NAMES
