"""What has to be there before the first process of a cluster starts. Each may run again: what is there stays.

`python -m moat.bootstrap databases loyalty ticket …` makes databases and roles. The administrator's address stands in
MOAT_ADMIN_DATABASE_URL, the passwords to be set in LOYALTY_OWNER_PASSWORD and LOYALTY_APP_PASSWORD.

`python -m moat.bootstrap topics` makes every topic of the house on the log at MOAT_EVENTS_URL.
"""

import argparse
import asyncio
from collections.abc import Sequence

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from moat.contracts.topics import RETENTION_MS
from moat.kit.db.provision import Passwords, provision
from moat.kit.messaging.opening import open_log


class AdminSettings(BaseSettings):
    """Who may make roles and databases."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")
    url: SecretStr = Field(validation_alias="MOAT_ADMIN_DATABASE_URL")


class LogSettings(BaseSettings):
    """Where the log is."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")
    url: SecretStr = Field(validation_alias="MOAT_EVENTS_URL")


def passwords_of(service: str) -> Passwords:
    """What the environment says. Raises ValidationError that names what is missing."""

    class ServicePasswords(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=f"{service.upper()}_", extra="ignore")
        owner_password: SecretStr
        app_password: SecretStr

    found = ServicePasswords()
    return Passwords(owner=found.owner_password.get_secret_value(), app=found.app_password.get_secret_value())


async def make_databases(services: Sequence[str]) -> None:
    """Make what is missing, one service after the other (roles are the server's, not the database's)."""
    admin = AdminSettings().url.get_secret_value()
    for service in services:
        await provision(admin, service, passwords_of(service))
        print(f"moat_{service}: database and roles are there")  # noqa: T201


async def make_topics() -> None:
    """Make what is missing. Raises LogUnavailable."""
    log = open_log(LogSettings().url.get_secret_value(), topics=RETENTION_MS)
    try:
        await log.ensure_topics()
    finally:
        await log.close()
    print(f"{len(RETENTION_MS)} topics are there")  # noqa: T201


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m moat.bootstrap", description="Before the first process starts.")
    commands = parser.add_subparsers(dest="command", required=True)
    databases = commands.add_parser("databases", help="make databases and roles")
    databases.add_argument("services", nargs="+", metavar="SERVICE", help="loyalty, ticket, …")
    commands.add_parser("topics", help="make every topic of the house")
    chosen = parser.parse_args()
    asyncio.run(make_databases(chosen.services) if chosen.command == "databases" else make_topics())


if __name__ == "__main__":
    main()
