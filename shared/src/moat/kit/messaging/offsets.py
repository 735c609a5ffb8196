"""What one reader has done and must do again: offsets to commit on a timer, places that wait after a failure."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from moat.kit.messaging.batches import Hold
from moat.kit.messaging.log import Place

BACKOFF_SECONDS_MIN: Final = 0.1
BACKOFF_SECONDS_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A place that is paused until `until` (seconds of the event loop's clock), to go on at `offset`."""

    offset: int
    until: float


class Progress:
    """The bookkeeping of one reader; it holds no place that the reader has lost."""

    def __init__(self) -> None:
        self._done: dict[Place, int] = {}
        self._waiting: dict[Place, Waiting] = {}
        self._failures: dict[Place, int] = {}

    def advance(self, offsets: Mapping[Place, int]) -> None:
        """These are done up to (not with) the offset; they start with a clean slate."""
        self._done.update(offsets)
        for place in offsets:
            self._failures.pop(place, None)

    def hold(self, place: Place, hold: Hold, *, now: float) -> None:
        """Let a place wait, longer after each failure, without end."""
        failures = self._failures[place] = self._failures.get(place, 0) + 1
        seconds = min(BACKOFF_SECONDS_MIN * 2.0 ** min(failures - 1, 10), BACKOFF_SECONDS_MAX)
        self._waiting[place] = Waiting(hold.offset, now + seconds * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)

    def due(self, *, now: float) -> list[Place]:
        """The places that have waited long enough; they are no longer waiting."""
        due = [place for place, waiting in self._waiting.items() if waiting.until <= now]
        for place in due:
            del self._waiting[place]
        return due

    def waiting(self) -> Mapping[Place, Waiting]:
        """The places that wait."""
        return self._waiting

    def next_due(self) -> float | None:
        """When the first waiting place is due, on the event loop's clock."""
        return min((waiting.until for waiting in self._waiting.values()), default=None)

    def to_commit(self) -> dict[Place, int]:
        """What has been done since the last call."""
        done, self._done = self._done, {}
        return done

    def keep(self, offsets: Mapping[Place, int]) -> None:
        """A commit failed: remember these again, unless more was done meanwhile."""
        self._done = {**offsets, **self._done}

    def forget(self, places: Iterable[Place]) -> None:
        """The reader has lost these."""
        for place in places:
            self._done.pop(place, None)
            self._waiting.pop(place, None)
            self._failures.pop(place, None)
