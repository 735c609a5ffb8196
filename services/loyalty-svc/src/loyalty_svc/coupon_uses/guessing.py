"""The heart of the guard against guessing: how many wrong codes a caller may try in which time.

A member mistypes a few; a shop's system stands for all its members at once. Codes have 57 random bits, so neither bound
lets anybody find one.
"""

from datetime import datetime, timedelta
from typing import Final

STRETCH: Final = timedelta(minutes=15)
WRONG_MAX_CUSTOMER: Final = 20
WRONG_MAX_OTHERS: Final = 500


def wrong_codes_max(kind: str) -> int:
    """For a caller of this kind (customer, staff, key) within one stretch."""
    return WRONG_MAX_CUSTOMER if kind == "customer" else WRONG_MAX_OTHERS


def seconds_to_wait(tries: int, began_at: datetime | None, now: datetime, *, kind: str) -> int | None:
    """How long a caller has to wait before his next code is looked at; None when it is looked at now."""
    if began_at is None or tries < wrong_codes_max(kind):
        return None
    return max(1, int((began_at + STRETCH - now).total_seconds()) + 1)
