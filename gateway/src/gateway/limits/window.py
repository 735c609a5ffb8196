"""THE HEART of the limit on signing in: at most so many attempts within any minute, exactly.

Guessing is rare enough to remember every attempt; GCRA would let a patient guesser have almost twice as many.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Window:
    """At most `attempts_max` in any `seconds`; at most `callers_max` callers are remembered, the latest ones."""

    attempts_max: int
    seconds: float = 60.0
    callers_max: int = 20_000
    _attempts: dict[str, deque[float]] = field(default_factory=dict)

    def wait_seconds(self, caller: str, at: float) -> int:
        """0 if this attempt is counted and may go on, else after how long the next one may (refused ones are free)."""
        # Taken out and put in again, so that the first in the map is who has been silent longest.
        instants = self._attempts.pop(caller, None) or deque()
        self._attempts[caller] = instants
        if len(self._attempts) > self.callers_max:
            del self._attempts[next(iter(self._attempts))]
        while instants and instants[0] <= at - self.seconds:
            instants.popleft()
        if len(instants) >= self.attempts_max:
            return max(1, ceil(instants[0] + self.seconds - at))
        instants.append(at)
        return 0
