"""The heart of lots: who is spent first, what is taken back from where, what expires."""

from datetime import timedelta
from uuid import UUID

from loyalty_svc.lots.lots import Lot, Reversal, settle

from .builders import at

LI = UUID(int=1)
ORDER, OTHER = UUID(int=100), UUID(int=200)


def a_lot(
    points: int,
    *,
    day: float = 1,
    expires: float | None = 50,
    cause: UUID = ORDER,
    part: str = "",
    pending: bool = False,
) -> Lot:
    until = None if expires is None else at(expires)
    id_ = UUID(int=int(day * 10) + points)
    return Lot(id_, LI, "points", cause, part, at(day), at(day), until, points, points, 0, 0, 0, pending)


def left(*lots: Lot) -> list[int]:
    return [lot.remaining for lot in lots]


def test_what_expires_first_is_spent_first_then_what_was_earned_first():
    never, late, soon, sooner = a_lot(10, expires=None), a_lot(10, day=2), a_lot(10, day=1), a_lot(10, expires=9)

    settle([never, late, soon, sooner], free=15, reserved=0)

    assert left(never, late, soon, sooner) == [10, 5, 0, 0]


def test_what_waits_is_not_spent_and_comes_of_age():
    waits, lot = a_lot(10, day=5, pending=True), a_lot(10)

    assert settle([waits, lot], free=5, reserved=0).ripened == []
    change = settle([waits, lot], free=5, reserved=0, now=at(5))

    assert left(waits, lot) == [10, 5]
    assert (change.available, change.from_pending, waits.is_pending) == (10, 10, False)


def test_a_return_takes_its_own_points_first():
    own, other = a_lot(10, day=9), a_lot(10, cause=OTHER)

    settle([own, other], free=12, reserved=0, reversals=[Reversal(ORDER, "r-1", 8)])

    assert left(own, other) == [2, 10]
    assert own.reversed == 8


def test_a_return_of_points_that_are_spent_takes_others():
    own, other = a_lot(10), a_lot(10, cause=OTHER)
    settle([own, other], free=10, reserved=0)

    settle([own, other], free=0, reserved=0, reversals=[Reversal(ORDER, "r-1", 10)])

    assert left(own, other) == [0, 0]
    assert (own.reversed, other.reversed) == (0, 0)


def test_expired_points_of_a_returned_order_count_as_taken_back():
    lot = a_lot(10)
    settle([lot], free=10, reserved=0, now=at(60))

    change = settle([lot], free=-4, reserved=0, reversals=[Reversal(ORDER, "r-1", 4)])

    assert [(one.points, one.turn) for one in change.expired] == [(-4, 2)]
    assert (lot.expired, lot.reversed, change.available) == (6, 4, 4)


def test_what_has_expired_does_not_pay_a_debt():
    old = a_lot(10, cause=OTHER, expires=5)

    change = settle([old], free=10 - 7, reserved=0, reversals=[Reversal(ORDER, "r-1", 7)], now=at(6))

    assert [one.points for one in change.expired] == [10]
    assert change.available == -10


def test_a_debt_is_written_off_where_the_type_says_so():
    assert settle([], free=-30, reserved=0, writes_off=True).written_off == 30
    assert settle([], free=-30, reserved=0).written_off == 0


def test_a_hold_keeps_the_points_that_are_spent_first():
    first, second, live = a_lot(10, day=1, expires=5), a_lot(10, day=2, expires=5), a_lot(10, expires=90)
    now = at(5) + timedelta(seconds=1)

    change = settle([first, second, live], free=30, reserved=15, now=now)
    assert left(first, second, live) == [10, 5, 10]
    assert sum(one.points for one in change.expired) == 5

    settle([first, second, live], free=25 - 12, reserved=3, now=now, confirms=True)
    assert left(first, second, live) == [0, 3, 10]
