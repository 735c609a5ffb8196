"""`python -m moat.kit.db.bootstrap loyalty ticket …`: make the databases and roles of services on a server.

The administrator's address stands in MOAT_ADMIN_DATABASE_URL, the passwords to be set in LOYALTY_OWNER_PASSWORD and
LOYALTY_APP_PASSWORD. Again changes nothing but the passwords.
"""

import asyncio
import sys
from collections.abc import Sequence

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from moat.kit.embedded.provision import Passwords, provision


class AdminSettings(BaseSettings):
    """Who may make roles and databases."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")
    url: SecretStr = Field(validation_alias="MOAT_ADMIN_DATABASE_URL")


def passwords_of(service: str) -> Passwords:
    """What the environment says. Raises ValidationError that names what is missing."""

    class ServicePasswords(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=f"{service.upper()}_", extra="ignore")
        owner_password: SecretStr
        app_password: SecretStr

    found = ServicePasswords()
    return Passwords(owner=found.owner_password.get_secret_value(), app=found.app_password.get_secret_value())


async def bootstrap(services: Sequence[str]) -> None:
    """Make what is missing, one service after the other (roles are the server's, not the database's)."""
    admin = AdminSettings()
    for service in services:
        await provision(admin.url.get_secret_value(), service, passwords_of(service))
        print(f"moat_{service}: database and roles are there")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(bootstrap(sys.argv[1:]))
