"""Refuses work before it queues: past the bound a quick 503 is kinder than a slow answer to everyone."""

from dataclasses import dataclass


@dataclass(slots=True)
class Shedding:
    """How many requests are under way, and how many may be. Health answers are not counted."""

    in_flight_max: int
    in_flight: int = 0

    def enter(self) -> bool:
        """Take a place; False when there is none (then `leave` must not be called)."""
        if self.in_flight >= self.in_flight_max:
            return False
        self.in_flight += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
