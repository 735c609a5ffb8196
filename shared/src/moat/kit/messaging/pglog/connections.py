"""Connections to the log's database, and its absence told in the log's words."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.log import LogUnavailable

CONNECT_SECONDS_MAX: Final = 3.0
STATEMENT_SECONDS_MAX: Final = 10.0
CLOSE_SECONDS_MAX: Final = 2.0
_SERVER: Final = {
    "application_name": "moat-log",
    "statement_timeout": "8000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "jit": "off",
}


@contextmanager
def log_errors() -> Iterator[None]:
    """Lost connections, timeouts and a stopping server become LogUnavailable."""
    try:
        yield
    except LogUnavailable:
        raise
    except asyncpg.UndefinedTableError as error:
        raise LogUnavailable("the log's tables are not made yet") from error
    except Exception as error:
        if failure_of(error) is Failure.TRANSIENT:
            raise LogUnavailable(f"{type(error).__name__}: {error}") from error
        raise


async def connect(url: str) -> asyncpg.Connection:
    """One connection. Raises LogUnavailable."""
    with log_errors():
        try:
            return await asyncpg.connect(
                url, timeout=CONNECT_SECONDS_MAX, command_timeout=STATEMENT_SECONDS_MAX, server_settings=_SERVER
            )
        except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise LogUnavailable(f"the log's database refuses us: {error}") from error


async def disconnect(connection: asyncpg.Connection | None) -> None:
    """Close within a bound, also when the server is gone."""
    if connection is None or connection.is_closed():
        return
    try:
        await connection.close(timeout=CLOSE_SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.CancelledError):
        connection.terminate()
