"""THE HEART of retries: at most one for every ten requests, so that retrying never becomes the overload."""

from dataclasses import dataclass
from typing import Final

SHARE: Final = 0.1
SAVED_MAX: Final = 10.0


@dataclass(slots=True)
class RetryBudget:
    """Each request saves a tenth of a retry; at most ten are saved, and a new process starts with them."""

    saved: float = SAVED_MAX

    def earn(self) -> None:
        """One request was sent."""
        self.saved = min(SAVED_MAX, self.saved + SHARE)

    def spend(self) -> bool:
        """Whether one more retry is within the budget; takes it."""
        if self.saved < 1.0:
            return False
        self.saved -= 1.0
        return True
