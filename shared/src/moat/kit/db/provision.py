"""The bootstrap of a service's database: the database itself and its three roles. Idempotent.

`<svc>_owner` owns the tables and migrates, `<svc>_app` serves and may enter `<svc>_customer` by `SET LOCAL ROLE`, which
sees one customer's rows under row-level security and cannot sign in by itself.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

_NAME: Final = re.compile("[a-z][a-z_]{1,30}")


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of the two roles that can sign in."""

    owner: str
    app: str


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """How to reach a service's database: the owner for migrations, the app for serving."""

    owner: str
    app: str


async def provision(admin_url: str, service: str, passwords: Passwords, *, database: str | None = None) -> DatabaseUrls:
    """Make what is missing of `service`'s (`loyalty`) roles and database (`moat_loyalty`), and set the passwords.

    `admin_url` is that of a role which may create both. A second run changes nothing but the passwords.
    """
    name = database or f"moat_{service}"
    for word in (service, name):
        if not _NAME.fullmatch(re.sub("[0-9]", "", word)):
            raise ValueError(f"{word!r} is no name for a service or its database")
    await ensure_roles(admin_url, service, passwords)
    admin = await asyncpg.connect(admin_url)
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f'CREATE DATABASE "{name}" OWNER "{service}_owner"')
        await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{service}_app"')
    finally:
        await admin.close()
    await _open_schema(at_database(admin_url, name), service)
    return DatabaseUrls(
        owner=as_role(at_database(admin_url, name), f"{service}_owner", passwords.owner),
        app=as_role(at_database(admin_url, name), f"{service}_app", passwords.app),
    )


async def ensure_roles(admin_url: str, service: str, passwords: Passwords) -> None:
    """Make `service`'s three roles where they are missing and set the passwords of the two that sign in."""
    admin = await asyncpg.connect(admin_url)
    try:
        wanted = {f"{service}_owner": passwords.owner, f"{service}_app": passwords.app, f"{service}_customer": None}
        for role, password in wanted.items():
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f'CREATE ROLE "{role}"')
            if password is not None:
                # DDL takes no bound values, so the server itself quotes the password.
                quoted = await admin.fetchval("SELECT quote_literal($1::text)", password)
                await admin.execute(f'ALTER ROLE "{role}" LOGIN PASSWORD {quoted}')
        # INHERIT FALSE: the app enters the customer role on purpose only; its policies never mix with the app's own.
        await admin.execute(f'GRANT "{service}_customer" TO "{service}_app" WITH INHERIT FALSE, SET TRUE')
    finally:
        await admin.close()


async def _open_schema(database_url: str, service: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f'GRANT USAGE ON SCHEMA public TO "{service}_app", "{service}_customer"')
    finally:
        await connection.close()


def at_database(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def as_role(url: str, role: str, password: str) -> str:
    """The same server and database, another role."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))
