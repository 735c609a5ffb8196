"""The heart of the ledger: runs of postings, their entries and balances."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.ledger.posting import Basis, Cause, Kind, NothingMoves, add_up, balances, owed, transferred

from .builders import at

LI, WANG = UUID(int=1), UUID(int=2)
BOTH = ("points", "growth")


def a_cause(number: int = 1) -> Cause:
    return Cause(UUID(int=100 + number), "order-points", f"event-{number}")


def given_to(who: UUID, points: int, *, day: float = 1):
    basis = Basis(Kind.EARNED if points >= 0 else Kind.REVERSED, "test", BOTH)
    return owed(who, basis, points, at=at(day), cause=a_cause())


def stored(run):
    """The accounts of a run that were empty, and what each posting left, by account: as if it had been stored."""
    accounts, places = add_up(run)
    for account in accounts:
        account.balance = account.walked_back = account.earned - account.reversed
    left = [
        {account.key: balance for account, balance in zip(touched, run_left, strict=True)}
        for touched, run_left in zip(places, balances(run, places), strict=True)
    ]
    return accounts, left


def test_entries_leave_the_balances_in_the_order_of_the_postings():
    _, rows = stored([given_to(LI, 10), given_to(WANG, 5), given_to(LI, -4), given_to(LI, 7)])

    points = [balance for left in rows for (_, type_), balance in left.items() if type_ == "points"]
    assert points == [10, 5, 6, 13]


def test_gains_and_losses_are_told_apart():
    accounts, _ = stored([given_to(LI, 10, day=3), given_to(LI, -4, day=2)])

    points = accounts[0]
    assert (points.balance, points.earned, points.reversed, points.last_at) == (6, 10, 4, at(3))


def test_a_posting_that_moves_nothing_is_refused():
    with pytest.raises(NothingMoves):
        add_up([given_to(LI, 0)])


def test_a_transfer_leaves_out_what_is_empty():
    posting = transferred(LI, WANG, {"points": 10, "growth": 0}, at=at(1), cause=a_cause())

    assert (posting.customer_id, posting.other_id, posting.basis.kind) == (WANG, LI, Kind.TRANSFERRED)
    assert (posting.basis.account_types, posting.amounts) == (("points",), (10,))


@given(st.lists(st.tuples(st.sampled_from([LI, WANG]), st.integers(-1000, 1000).filter(bool)), min_size=1, max_size=40))
def test_every_entry_continues_the_one_before(moves: list[tuple[UUID, int]]):
    accounts, rows = stored([given_to(who, points) for who, points in moves])

    held: dict[tuple[UUID, str], int] = {}
    for (who, points), left in zip(moves, rows, strict=True):
        for type_ in BOTH:
            assert left[who, type_] == held.get((who, type_), 0) + points
            held[who, type_] = left[who, type_]
    assert held == {one.key: one.earned - one.reversed for one in accounts}
