"""Which errors are somebody else's absence: answered 503 with Retry-After, done nothing by halves."""

from typing import Any

from sqlalchemy.exc import DBAPIError

from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.log import LogUnavailable
from moat.kit.problems import Problem, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database is away, too busy, or gave up on a statement."""

    code, title = "database.unavailable", "The database does not answer at the moment, try again soon"


class LogAway(Unavailable):
    """The event log is away."""

    code, title = "log.unavailable", "The event log does not answer at the moment, try again soon"


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of a database error, where the server gave one."""
    origin: Any = getattr(error, "orig", error)
    state = getattr(origin, "sqlstate", None)
    return state if isinstance(state, str) else None


def unavailable_of(error: Exception) -> Problem | None:
    """The 503 for an error that will pass by itself, else None."""
    if isinstance(error, LogUnavailable):
        return LogAway(retry_after_seconds=1)
    if failure_of(error) is Failure.TRANSIENT:
        return DatabaseUnavailable(retry_after_seconds=1)
    return None


def is_database_refusal(error: Exception) -> bool:
    """Whether the driver or the server refused a bound value (class 22, or a value of another type)."""
    if not isinstance(error, DBAPIError):
        return False
    state = sqlstate_of(error)
    return (state or "").startswith("22") or type(error.orig).__name__ == "DataError" or state is None
