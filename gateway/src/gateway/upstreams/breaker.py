"""THE HEART of protection against a service that is away: when to stop asking it, and when to try again.

It opens after 5 failures in a row, or when half of at least 20 answers within 10 seconds failed. While open nothing is
sent for 5 seconds, then one probe at a time: a probe that succeeds closes it, one that fails (or is never heard of
again) keeps it open for 5 seconds more.
"""

from dataclasses import dataclass, field
from typing import Final

CONSECUTIVE_FAILURES: Final = 5
WINDOW_SECONDS: Final = 10
ANSWERS_MIN: Final = 20
OPEN_SECONDS: Final = 5.0


@dataclass(slots=True)
class Breaker:
    """The memory of one upstream. All instants are monotonic seconds."""

    _in_a_row: int = 0
    _open_until: float | None = None
    _second: int = -1
    # Answers and failures of each of the last ten seconds, a ring by second.
    _answers: list[int] = field(default_factory=lambda: [0] * WINDOW_SECONDS)
    _failures: list[int] = field(default_factory=lambda: [0] * WINDOW_SECONDS)

    @property
    def is_open(self) -> bool:
        """Whether it holds requests back."""
        return self._open_until is not None

    def wait_seconds(self, at: float) -> float:
        """How long to hold back; 0 lets this request pass (as the probe when open, which shuts the door behind it)."""
        if self._open_until is None:
            return 0.0
        if at < self._open_until:
            return self._open_until - at
        self._open_until = at + OPEN_SECONDS
        return 0.0

    def succeeded(self, at: float) -> None:
        """The upstream answered, whatever it said."""
        if self._open_until is not None:
            self._forget()
        self._in_a_row = 0
        self._answers[self._slot(at)] += 1

    def failed(self, at: float) -> None:
        """The upstream could not be reached, broke off or stayed silent."""
        slot = self._slot(at)
        self._answers[slot] += 1
        self._failures[slot] += 1
        self._in_a_row += 1
        answers = sum(self._answers)
        mostly_failing = answers >= ANSWERS_MIN and sum(self._failures) * 2 >= answers
        if self._open_until is not None or self._in_a_row >= CONSECUTIVE_FAILURES or mostly_failing:
            self._open_until = at + OPEN_SECONDS

    def _slot(self, at: float) -> int:
        second = int(at)
        if second != self._second:
            for passed in range(max(self._second + 1, second - WINDOW_SECONDS + 1), second + 1):
                self._answers[passed % WINDOW_SECONDS] = self._failures[passed % WINDOW_SECONDS] = 0
            self._second = second
        return second % WINDOW_SECONDS

    def _forget(self) -> None:
        self._open_until = None
        self._answers = [0] * WINDOW_SECONDS
        self._failures = [0] * WINDOW_SECONDS
