"""THE HEART of rate limits: the generic cell rate algorithm, one number a caller.

GCRA (ITU-T I.371, virtual scheduling form): a caller's theoretical arrival time moves forward by one emission interval
with each request; a request is refused while that time is further ahead than the burst allows. Exact, without windows,
and a caller that has been silent costs nothing. Per replica: two replicas together allow twice as much.
"""

from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple


class Verdict(NamedTuple):
    """What a caller is told: `remaining` requests at once, full again after `reset_seconds`."""

    is_allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


@dataclass(slots=True)
class Gcra:
    """A limit of `burst` requests at once that refills at `rate_per_second`.

    At most `callers_max` callers are remembered; those whose allowance is full again are forgotten first.
    """

    rate_per_second: float
    burst: int
    callers_max: int = 50_000
    _arrivals: dict[str, float] = field(default_factory=dict)

    def take(self, caller: str, at: float) -> Verdict:
        """Count one request of `caller` at the instant `at` (seconds, monotonic) and judge it."""
        interval = 1.0 / self.rate_per_second
        window = self.burst * interval
        arrival = max(self._arrivals.get(caller, at), at) + interval
        ahead = arrival - at
        if ahead > window + 1e-9:
            wait = ahead - window
            return Verdict(False, 0, ceil(ahead - interval), max(1, ceil(wait)))
        self._arrivals[caller] = arrival
        if len(self._arrivals) > self.callers_max:
            self._forget(at)
        return Verdict(True, int((window - ahead) / interval + 1e-6), ceil(ahead), 0)

    def is_exhausted(self, caller: str, at: float) -> bool:
        """Whether `take` would refuse now; nothing is counted."""
        ahead = self._arrivals.get(caller, at) - at
        return ahead + 1.0 / self.rate_per_second > self.burst / self.rate_per_second + 1e-9

    def _forget(self, at: float) -> None:
        self._arrivals = {caller: arrival for caller, arrival in self._arrivals.items() if arrival > at}
        # Still too many: a flood of new callers. The longest known go first, so the map stays bounded.
        while len(self._arrivals) > self.callers_max // 2:
            del self._arrivals[next(iter(self._arrivals))]
