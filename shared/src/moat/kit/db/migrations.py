"""Migrations: one Alembic environment for every service, and the tables of the kit.

A service's `migrations/env.py` is two lines; its revisions are written by hand. The functions that make tables are
part of the revisions that call them: they never change once released, a later shape is a new function.
"""

import asyncio
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from moat.kit.db.tables import (
    create_kit_tables,
    create_split_tables,
    customer_rows,
    drop_kit_tables,
    drop_split_tables,
    forget_origins,
    grant,
    keep_origins,
    run_script,
)

__all__ = (
    "create_kit_tables",
    "create_split_tables",
    "customer_rows",
    "downgrade",
    "drop_kit_tables",
    "drop_split_tables",
    "forget_origins",
    "grant",
    "keep_origins",
    "run_env",
    "run_script",
    "upgrade",
)

LOCK_TIMEOUT: Final = "3s"
"""A migration that cannot get its lock gives up instead of queueing everybody behind it."""


def directory_of(package: str) -> Path:
    """Where the migrations of `loyalty_svc` are: inside the installed package, or beside `src` in a checkout."""
    home = Path(str(import_module(package).__file__)).parent
    for candidate in (home / "migrations", home.parent.parent / "migrations"):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{package} has no migrations directory")


def configuration(url: str, package: str) -> Config:
    """Alembic's configuration for the owner's `url`."""
    config = Config()
    config.set_main_option("script_location", str(directory_of(package)).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, package: str, revision: str = "head") -> None:
    """Bring the database up to `revision`. Two at once are safe: the second waits and finds nothing to do."""
    _in_own_thread(lambda: command.upgrade(configuration(url, package), revision))


def downgrade(url: str, package: str, revision: str = "base") -> None:
    """Take the database down to `revision`."""
    _in_own_thread(lambda: command.downgrade(configuration(url, package), revision))


def run_env() -> None:
    """What every `migrations/env.py` calls."""
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("give the owner's address: alembic -x url=postgresql://… upgrade head")
    asyncio.run(_migrate(url))


async def _migrate(url: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305001)")
        context.run_migrations()


def _in_own_thread(work: Callable[[], None]) -> None:
    """Alembic is synchronous and starts an event loop; the caller may be inside one already."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="migrations")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
