"""Whose fault a failure is: the weather's (try for ever), the event's (set it aside), or unknown (a few tries)."""

from collections.abc import Iterator
from enum import Enum
from typing import Final

import asyncpg
from pydantic import ValidationError
from sqlalchemy import exc

from moat.kit.messaging.log import LogUnavailable
from moat.kit.problems import Problem, Unavailable

TRANSIENT_CLASSES: Final = frozenset({"08", "40", "53", "57", "58"})
"""SQLSTATE classes: connection, rollback (deadlock, serialisation), resources, operator, system."""
TRANSIENT_STATES: Final = frozenset({"55P03", "25P03"})
"""Lock not available; idle in transaction for too long."""


class Failure(Enum):
    """What to do about an error of the event path."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


def failure_of(error: BaseException) -> Failure:
    """Judge an error by itself and by what it was raised from."""
    for cause in _chain(error):
        if _is_transient(cause):
            return Failure.TRANSIENT
        if isinstance(cause, Problem | ValidationError):
            return Failure.PERMANENT
    return Failure.UNKNOWN


def _is_transient(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in TRANSIENT_CLASSES or state in TRANSIENT_STATES
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated
    if isinstance(error, asyncpg.InterfaceError):
        # The driver has one class for a lost connection and for a wrong argument.
        return "connection" in str(error) and "argument" not in str(error)
    return isinstance(error, OSError | TimeoutError | exc.TimeoutError | LogUnavailable | Unavailable)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    step: BaseException | None = error
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        yield step
        if isinstance(step, exc.DBAPIError) and isinstance(step.orig, BaseException):
            yield step.orig
        step = step.__cause__
