"""Instants that people and machines say at a door, as far as every zone and calendar can count with them."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2999


def _within_reach(at: datetime) -> datetime:
    if not YEAR_MIN <= at.year <= YEAR_MAX:
        raise ValueError(f"a year from {YEAR_MIN} to {YEAR_MAX} is expected")
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_within_reach)]
"""An instant with its offset. Near the ends of time it could not be told in another zone, nor be stored."""
