"""The ledger against a short model: anything in any order, a clock that moves on, L1 to L8 after each step.

The machine's rules run in a thread; what they do to the database runs in the test's own loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loyalty_svc.ledger.problems import InsufficientPoints
from moat.kit.ids import uuid7

from .bank import Bank
from .builders import merged, paid, parted, refunded
from .house import House

T = TypeVar("T")
LIFE = timedelta(days=730)


@dataclass
class Purse:
    """The model: lots as [expires_at, number, left, gone], holds by their number, what was spent but is not there."""

    lots: list[list[Any]] = field(default_factory=list)
    holds: dict[int, int] = field(default_factory=dict)
    debt: int = 0

    def available(self) -> int:
        return sum(lot[2] for lot in self.lots) - sum(self.holds.values()) - self.debt

    def pay(self, points: int, now: datetime, *, kept_first: bool = False) -> None:
        for lot in sorted(self.lots, key=lambda lot: (not kept_first and lot[0] <= now, lot)):
            taken = min(points, lot[2])
            lot[2], points = lot[2] - taken, points - taken
        self.debt += points

    def earn(self, number: int, points: int, expires_at: datetime, now: datetime) -> None:
        paid_off = min(points, self.debt) if expires_at > now else 0
        self.debt -= paid_off
        self.lots.append([expires_at, number, points - paid_off, 0])

    def reverse(self, number: int, points: int, now: datetime) -> None:
        for lot in [lot for lot in self.lots if lot[1] == number]:
            for part in (2, 3):
                taken = min(points, lot[part])
                lot[part], points = lot[part] - taken, points - taken
        self.pay(points, now)

    def part(self, his: set[int]) -> list[list[Any]]:
        """The lots of these orders; those that holds need besides the others stay, whole, the first to be spent."""
        kept = sum(self.holds.values()) - sum(lot[2] for lot in self.lots if lot[1] not in his)
        going = []
        for lot in sorted(lot for lot in self.lots if lot[1] in his):
            if lot[2] and kept > 0:
                kept -= lot[2]
            else:
                going.append(lot)
        self.lots = [lot for lot in self.lots if lot not in going]
        return going

    def expire(self, now: datetime) -> None:
        kept = sum(self.holds.values())
        for lot in sorted(lot for lot in self.lots if lot[0] <= now):
            spared = min(kept, lot[2])
            kept, lot[2], lot[3] = kept - spared, spared, lot[3] + lot[2] - spared


class Ledger(RuleBasedStateMachine):
    """One purse for each customer, and the bank beside it. Orders and holds are numbered as they were made."""

    bank: Bank
    run: Callable[[Awaitable[Any]], Any]

    @initialize()
    def begin(self) -> None:
        self.who = [uuid7(), uuid7()]
        self.purses = [Purse(), Purse()]
        self.orders: list[dict[str, Any]] = []
        self.made: dict[int, Any] = {}
        for place in (0, 1):
            self.pay_order(place, 100, 727)

    @property
    def now(self) -> datetime:
        return self.bank.now

    def settle(self) -> None:
        for purse in self.purses:
            purse.expire(self.now)

    def learn(self, *events: Any) -> None:
        self.run(self.bank.house.learn(*events))

    @rule(place=st.integers(0, 1), points=st.integers(1, 100), ago=st.sampled_from([0, 1, 5, 700, 727, 729, 731, 900]))
    def order(self, place: int, points: int, ago: int) -> None:
        self.pay_order(place, points, ago)

    def pay_order(self, place: int, points: int, ago: int) -> None:
        place %= len(self.purses)
        order, at = uuid7(), self.now - timedelta(days=ago)
        event = paid(self.who[place], points * 100, order=order)
        event.time = at
        self.learn(event)
        self.settle()
        self.purses[place].earn(len(self.orders), points, at + LIFE, self.now)
        self.orders.append({"order": order, "place": place, "whose": place, "points": points, "refunded": 0})
        self.settle()

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), share=st.sampled_from([1, 2, 3]))
    def refund(self, data: st.DataObject, share: int) -> None:
        number = data.draw(st.integers(0, len(self.orders) - 1))
        one = self.orders[number]
        points = -(-(one["points"] - one["refunded"]) // share)
        if not points:
            return
        one["refunded"] += points
        event = refunded(uuid7(), one["order"], points * 100, refund=str(uuid7()))
        event.time = self.now
        self.learn(event)
        self.settle()
        self.purses[one["place"]].reverse(number, points, self.now)
        self.settle()

    def _tries(self, purse: Purse, points: int, work: Awaitable[T]) -> T | None:
        self.settle()
        if purse.available() >= points:
            result: T = self.run(work)
            return result
        with pytest.raises(InsufficientPoints) as refused:
            self.run(work)
        assert refused.value.facts["available"] == max(0, purse.available())
        return None

    @rule(place=st.integers(0, 1), points=st.integers(1, 120))
    def spend(self, place: int, points: int) -> None:
        place %= len(self.purses)
        purse = self.purses[place]
        self.settle()
        enough = purse.available() >= points
        self._tries(purse, points, self.bank.spend(self.who[place], points))
        if enough:
            purse.pay(points, self.now)

    @rule(place=st.integers(0, 1), points=st.integers(1, 80), minutes=st.sampled_from([10, 60 * 36, 60 * 24 * 9]))
    def hold(self, place: int, points: int, minutes: int) -> None:
        place %= len(self.purses)
        made = self._tries(self.purses[place], points, self.bank.hold(self.who[place], points, minutes=minutes))
        if made is not None:
            self.purses[place].holds[len(self.made)] = points
            self.made[len(self.made)] = made

    def _open(self) -> list[tuple[Purse, int]]:
        return [(purse, number) for purse in self.purses for number in purse.holds]

    @precondition(lambda self: self._open())
    @rule(data=st.data(), share=st.sampled_from([1, 2, 3]))
    def confirm(self, data: st.DataObject, share: int) -> None:
        purse, number = data.draw(st.sampled_from(self._open()))
        made = self.made[number]
        self.settle()
        if made.until > self.now:
            points = -(-made.amount // share)
            self.run(self.bank.confirm(made, points))
            purse.pay(points, self.now, kept_first=True)
            del purse.holds[number]
            self.settle()

    @precondition(lambda self: self._open())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        purse, number = data.draw(st.sampled_from(self._open()))
        self.run(self.bank.release(self.made[number]))
        del purse.holds[number]
        self.settle()

    @rule(days=st.sampled_from([0.01, 1, 2, 30]), rings=st.booleans())
    def pass_time(self, days: float, rings: bool) -> None:
        self.bank.house.clock.advance(timedelta(days=days))
        if rings:
            self.ring()

    def ring(self) -> None:
        """All timers fire: holds first, then what expires."""
        self.run(self.bank.ring())
        self.run(self.bank.sweep())
        self.settle()
        for purse, number in self._open():
            if self.made[number].until <= self.now:
                del purse.holds[number]
        self.settle()

    @precondition(lambda self: len(self.purses) == 2)
    @rule()
    def merge(self) -> None:
        self.last_merge = event = merged(self.who[1], self.who[0])
        event.time = self.now
        self.learn(event)
        self.settle()
        purse, gone = self.purses[0], self.purses.pop()
        purse.lots += gone.lots
        purse.holds |= gone.holds
        owed, purse.debt = purse.debt + gone.debt, 0
        purse.pay(owed, self.now)
        for one in self.orders:
            one["place"] = 0
        self.settle()

    @precondition(lambda self: len(self.purses) == 1)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        """Some of the orders since the merge turn out to be his who parts; once his they are for good."""
        since = [number for number, one in enumerate(self.orders) if not one["whose"] and one["place"] == 0]
        for number in data.draw(st.sets(st.sampled_from(since), max_size=2) if since else st.just(set())):
            self.orders[number]["whose"] = 1
        his = {number for number, one in enumerate(self.orders) if one["whose"]}
        event = parted(self.last_merge, *(self.orders[number]["order"] for number in his))
        event.time = self.now
        self.learn(event)
        self.settle()
        self.purses.append(Purse(self.purses[0].part(his)))
        for number in his:
            self.orders[number]["place"] = 1
        self.settle()

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "purses"):
            return
        assert self.run(self.bank.violations_but_overdue()) == []
        for place, purse in enumerate(self.purses):
            purse.expire(self.now)
            assert self.run(self.bank.usable(self.who[place])) == (purse.available(), sum(purse.holds.values()))
        assert [self.run(self.bank.live_lots(self.who[place])) for place in range(len(self.purses))] == [
            sorted(lot[2] for lot in purse.lots if lot[2] and lot[0] > self.now) for purse in self.purses
        ]


async def test_anything_in_any_order_is_what_the_model_says(house: House):
    loop = asyncio.get_running_loop()

    class Machine(Ledger):
        bank = Bank(house)

        @staticmethod
        def run(work: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=30)

    few = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=few)

    async with house.db.transaction() as tx:
        kinds = {row.kind for row in await tx.all("SELECT DISTINCT kind FROM posting")}
        splits = await tx.scalar("SELECT count(*) FROM posting WHERE reason = 'customer.split'")
        ends = {row.status for row in await tx.all("SELECT DISTINCT status FROM hold")}
    assert kinds == {"earned", "reversed", "spent", "expired", "transferred"}
    assert splits > 20
    assert ends >= {"confirmed", "released", "timed_out"}
