"""Databases for tests: cloned from a template that was migrated once in the session."""

import asyncio
import itertools
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from moat.kit.db.database import Database
from moat.kit.db.provision import DatabaseUrls, Passwords, as_role, at_database, provision
from moat.kit.embedded.postgres import Postgres

_PASSWORDS: Final = Passwords(owner="owner-of-tests", app="app-of-tests")


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One service's database, as fresh from its migrations; `db` is connected as the app role."""

    __test__ = False

    db: Database
    owner_url: str
    app_url: str


@dataclass(slots=True)
class Templates:
    """The templates of one session's server, by package, and names for their clones."""

    server: Postgres
    migrated: dict[str, str] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def clone(self, package: str) -> DatabaseUrls:
        """A new database of `package` (`loyalty_svc`)."""
        service = package.partition("_")[0]
        if package not in self.migrated:
            self.migrated[package] = await self._migrate(package, service)
        return await self.empty(f"{service}_{next(self.numbers)}", service, template=self.migrated[package])

    async def empty(self, name: str, service: str, *, template: str = "template1") -> DatabaseUrls:
        """A new database `name` of `service`'s owner, a copy of `template`."""
        admin = await asyncpg.connect(self.server.url())
        try:
            # Files are copied as they are: without fsync that is twice as fast as through the WAL.
            await admin.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{service}_owner" STRATEGY FILE_COPY'
            )
        finally:
            await admin.close()
        at = at_database(self.server.url(), name)
        return DatabaseUrls(
            as_role(at, f"{service}_owner", _PASSWORDS.owner), as_role(at, f"{service}_app", _PASSWORDS.app)
        )

    async def drop(self, url: str) -> None:
        """Drop a clone, whoever is still connected."""
        admin = await asyncpg.connect(self.server.url())
        try:
            await admin.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')
        finally:
            await admin.close()

    async def bare(self, service: str) -> DatabaseUrls:
        """A new database with `service`'s roles and no tables."""
        number = next(self.numbers)
        return await provision(self.server.url(), service, _PASSWORDS, database=f"{service}_bare_{number}")

    async def _migrate(self, package: str, service: str) -> str:
        from moat.kit.db.migrations import upgrade

        name = f"template_{service}"
        urls = await provision(self.server.url(), service, _PASSWORDS, database=name)
        await asyncio.to_thread(upgrade, urls.owner, package)
        return name


def in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`, run in a loop and thread of its own, so that a synchronous fixture may call it anywhere."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as broken:
            failure.append(broken)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
