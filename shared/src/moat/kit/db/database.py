"""The engine of one process and the only place that commits.

Bounds are enforced in PostgreSQL (`statement_timeout`, `lock_timeout`, idle transactions), not by cancelling: a
cancelled transaction may or may not have committed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from moat.kit.db.asking import say
from moat.kit.db.transaction import Transaction
from moat.kit.messaging import outbox

LOCK_TIMEOUT_MS: Final = 1_000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 15_000
POOL_WAIT_SECONDS_MAX: Final = 2.0
WEB_STATEMENT_TIMEOUT_MS: Final = 3_000
WORKER_STATEMENT_TIMEOUT_MS: Final = 30_000


class Database:
    """Connections of one service to its own database; `transaction()` is the unit of work."""

    def __init__(self, engine: AsyncEngine, url: str, name: str, wakers: list[Callable[[], None]]) -> None:
        self._engine = engine
        self._url = url
        self._name = name
        self._wakers = wakers

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        name: str,
        pool_connections: int = 10,
        statement_timeout_ms: int = WEB_STATEMENT_TIMEOUT_MS,
    ) -> Self:
        """A database at `url` (postgresql://…); nothing is dialled until it is used.

        `name` is the service's (`loyalty-svc`); its part before the dash names the customer role.
        """
        return cls(_engine(url, name, pool_connections, statement_timeout_ms), url, name, [])

    def sibling(self, *, statement_timeout_ms: int, pool_connections: int) -> Self:
        """The same database with other bounds; commits of both wake the same relay."""
        engine = _engine(self._url, self._name, pool_connections, statement_timeout_ms)
        return type(self)(engine, self._url, self._name, self._wakers)

    @asynccontextmanager
    async def transaction(self, *, customer: UUID | None = None) -> AsyncIterator[Transaction]:
        """Run the block in one transaction and commit at its end; any exception rolls back.

        With `customer` the transaction runs in the role that sees the rows of that customer only
        (row-level security); it is for reading.
        """
        async with self._connection() as driver:
            tx = Transaction(driver)
            if customer is not None:
                await self._enter_customer_role(tx, customer)
            yield tx
            if tx.outgoing:
                await outbox.write(tx)
            if tx.is_begun:
                await say(driver, "COMMIT")
        if tx.outgoing:
            for wake in self._wakers:
                wake()

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Transaction]:
        """For a look that is one statement: no BEGIN and no COMMIT around it. Nothing is published from here."""
        async with self._connection() as driver:
            yield Transaction(driver, is_begun=True)

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """A connection of the pool; if the block fails, what it began is rolled back."""
        held = await self._engine.raw_connection()
        driver: Any = held.driver_connection
        try:
            yield driver
        except BaseException:
            # Whoever is cancelled meanwhile leaves the connection as clean as everybody else.
            await asyncio.shield(asyncio.create_task(_give_up(held, driver)))
            raise
        await greenlet_spawn(held.close)

    async def _enter_customer_role(self, tx: Transaction, customer: UUID) -> None:
        role = f"{self._name.partition('-')[0]}_customer"
        await tx.execute(
            "SELECT set_config('role', :role, true), set_config('moat.customer_id', :customer, true)",
            role=role,
            customer=str(customer),
        )

    def on_published(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit that left events in the outbox."""
        self._wakers.append(wake)

    def connections_in_use(self) -> int:
        """How many connections are checked out now."""
        return int(self._engine.pool.checkedout())  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


def _engine(url: str, name: str, pool_connections: int, statement_timeout_ms: int) -> AsyncEngine:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_connections,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        # Errors go to logs and dead letters; bound values are people's data.
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            # Statements are constants, and stay prepared as long as their connection.
            "statement_cache_size": 500,
            "max_cached_statement_lifetime": 0,
            "server_settings": {
                "application_name": name,
                "statement_timeout": str(statement_timeout_ms),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "client_connection_check_interval": "10s",
                "tcp_keepalives_idle": "15",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )

    # SQLAlchemy leaves json to its column types; texts have none, so the driver parses.
    @event.listens_for(engine.sync_engine, "connect")
    def parse_json(adapted: Any, _record: Any) -> None:
        adapted.run_async(_parse_json)

    # A server that went away has closed our sockets; who comes next gets a new connection instead of its error. No
    # round trip, unlike the pool's own pre-ping: asyncpg has seen the end of the stream.
    @event.listens_for(engine.sync_engine, "checkout")
    def leave_dead_ones(adapted: Any, _record: Any, _proxy: Any) -> None:
        if adapted.driver_connection.is_closed():
            raise InvalidatePoolError

    return engine


async def _give_up(held: Any, driver: "asyncpg.Connection[Any]") -> None:
    """Roll back and return a connection to its pool, or throw it away if that fails."""
    try:
        await driver.execute("ROLLBACK")
    except Exception as error:
        await greenlet_spawn(held.invalidate, error)
    else:
        await greenlet_spawn(held.close)


async def _parse_json(connection: Any) -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=json.loads, format="text")
    # As a text, an array of documents is quoted here character by character and read there the same way.
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_jsonb, decoder=_of_jsonb, format="binary")


def _jsonb(text: str) -> bytes:
    """The wire's form: a version (1), then the text."""
    return b"\x01" + text.encode()


def _of_jsonb(data: bytes) -> Any:
    return json.loads(data[1:])
