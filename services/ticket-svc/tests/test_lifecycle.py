"""The state machine of tickets, without anything around it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moat.contracts import tickets as contract
from moat.kit.ids import uuid7
from ticket_svc.tickets import lifecycle
from ticket_svc.tickets.lifecycle import (
    ACTIONS,
    HISTORY_ENTRIES_MAX,
    MOVES,
    SYSTEM,
    WHO,
    Actor,
    HistoryFull,
    IllegalTransition,
    Move,
    Status,
    Ticket,
    allowed_actions,
    make_move,
    reply_by,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENT, BUYER = Actor("staff", "agent-1"), Actor("customer", "c-1")


def a_ticket(status: Status = Status.OPEN) -> Ticket:
    solved_at = NOON if status in (Status.SOLVED, Status.CLOSED) else None
    return Ticket(
        id=uuid7(),
        number=7,
        customer_id=uuid7(),
        kind="complaint",
        channel="phone",
        priority="normal",
        subject="破损",
        body="收到时已破损",
        status=status,
        opened_at=NOON,
        updated_at=NOON,
        solved_at=solved_at,
        closed_at=NOON if status is Status.CLOSED else None,
        resolution="换货" if solved_at else None,
    )


def test_our_answer_waits_for_the_customer_and_his_word_waits_for_us():
    answered, _ = make_move(a_ticket(), Move.ANSWER, AGENT, NOON, text="请发照片")
    written, entry = make_move(answered, Move.WRITE, BUYER, NOON, text="已发")

    assert (answered.status, written.status) == (Status.PENDING, Status.OPEN)
    assert (entry.from_status, entry.to_status, entry.visibility) == (Status.PENDING, Status.OPEN, "public")


def test_a_note_changes_no_state_and_is_internal():
    after, entry = make_move(a_ticket(Status.PENDING), Move.NOTE, AGENT, NOON, text="VIP")

    assert after.status is Status.PENDING
    assert (entry.visibility, entry.to_status) == ("internal", None)


def test_solved_keeps_the_resolution_until_it_is_opened_again():
    solved, _ = make_move(a_ticket(), Move.SOLVE, AGENT, NOON, text="换货")
    closed, _ = make_move(solved, Move.CLOSE, AGENT, NOON + timedelta(days=1))
    reopened, _ = make_move(solved, Move.REOPEN, BUYER, NOON + timedelta(days=1))

    assert (solved.resolution, solved.solved_at) == ("换货", NOON)
    assert (closed.resolution, closed.solved_at, closed.closed_at) == ("换货", NOON, NOON + timedelta(days=1))
    assert (reopened.resolution, reopened.solved_at, reopened.status) == (None, None, Status.OPEN)


@given(st.sampled_from(Status), st.sampled_from(Move), st.sampled_from(["staff", "key", "customer", "system"]))
def test_what_the_table_does_not_name_is_refused(status: Status, move: Move, kind: lifecycle.ActorKind):
    ticket, actor = a_ticket(status), SYSTEM if kind == "system" else Actor(kind, "x")

    if kind in WHO[move] and status in MOVES[move]:
        assert make_move(ticket, move, actor, NOON, text="…", reason="r")[0].status is MOVES[move][status]
        assert move not in ACTIONS or ACTIONS[move] in allowed_actions(status, kind)
    else:
        with pytest.raises(IllegalTransition):
            make_move(ticket, move, actor, NOON)


def test_allowed_actions_by_state_and_caller():
    assert allowed_actions(Status.OPEN, "staff") == ["reply", "solve"]
    assert allowed_actions(Status.PENDING, "key") == ["reply", "solve"]
    assert allowed_actions(Status.SOLVED, "staff") == ["reply", "close", "reopen"]
    assert allowed_actions(Status.CLOSED, "staff") == []
    assert allowed_actions(Status.OPEN, "customer") == ["reply"]
    assert allowed_actions(Status.SOLVED, "customer") == ["reply", "reopen"]


def test_a_customer_never_writes_a_note():
    assert reply_by(BUYER, "internal") is Move.WRITE
    assert reply_by(AGENT, "internal") is Move.NOTE


def test_a_history_has_an_end():
    with pytest.raises(HistoryFull):
        make_move(replace(a_ticket(), entries_count=HISTORY_ENTRIES_MAX), Move.NOTE, AGENT, NOON, text="…")


def test_the_database_allows_exactly_the_transitions_of_the_table():
    migration = next((Path(__file__).parents[1] / "migrations/versions").glob("0001*.py")).read_text("utf-8")
    block = migration.partition("ticket_entry_transition")[2].partition("END)")[0]
    stored = set(re.findall(r"\('(\w+)', '(\w+)', '(\w+)'\)", block))

    decided = {
        (make_move(a_ticket(status), move, actor, NOON, text="…", reason="r")[1].kind, status.value, to.value)
        for move, steps in MOVES.items()
        for status, to in steps.items()
        for actor in [BUYER if move is Move.WRITE else SYSTEM]
        if to is not status
    }
    assert stored == decided


def test_the_words_are_those_of_the_contract():
    for name in ("Kind", "Channel", "Priority"):
        assert get_args(getattr(lifecycle, name)) == get_args(getattr(contract, name))
    assert tuple(Status) == get_args(contract.Status)
