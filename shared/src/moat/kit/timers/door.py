"""The time door of a feature: what falls due, and the function that takes a batch of due timers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that has fallen due: a hint to look at the state and decide, judged at max(now, due_at)."""

    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any]


TimerHandler = Callable[[Sequence[DueTimer], Transaction, Clock], Awaitable[None]]
LockHandler = Callable[[Sequence[str], Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TimerKind:
    """One kind of timer: `lock` locks the state of the keys in id order before the timers are taken."""

    kind: str
    handler: TimerHandler
    lock: LockHandler | None = None


@dataclass(slots=True)
class Timers:
    """The timer kinds of one feature."""

    kinds: list[TimerKind] = field(default_factory=list)

    def on(self, kind: str, *, lock: LockHandler | None = None) -> Callable[[TimerHandler], TimerHandler]:
        """Register the handler of one kind."""

        def register(handler: TimerHandler) -> TimerHandler:
            self.kinds.append(TimerKind(kind, handler, lock))
            return handler

        return register
