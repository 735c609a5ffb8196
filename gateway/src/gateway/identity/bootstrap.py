"""The first admin and the keys of the house, made by `--role migrate` from the environment; a second time changes
nothing (a changed secret of a known key is taken over, so a deployment can rotate it)."""

from datetime import datetime
from typing import Final

import structlog
from pydantic import SecretStr

from gateway.identity import key_format, queries
from gateway.identity.passwords import Passwords
from gateway.identity.roles import SCOPES
from gateway.settings import GatewaySettings
from moat.kit import audit
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7

ACTOR: Final = "bootstrap"
log = structlog.get_logger("gateway.bootstrap")


class UnusableBootstrap(ValueError):
    """What the environment gives cannot be used; the message names the variable and never its value."""


async def bootstrap(db: Database, settings: GatewaySettings, at: datetime) -> None:
    """Make what is missing, in one transaction. Raises UnusableBootstrap."""
    keys: list[tuple[str, SecretStr | None, frozenset[str]]] = [
        ("admin", settings.admin_api_key, SCOPES),
        ("intake", settings.intake_api_key, frozenset({"events:write"})),
        ("notify", settings.notify_api_key, frozenset({"contacts:read"})),
    ]
    async with db.transaction() as tx:
        if settings.admin_email and settings.admin_password:
            await _admin(tx, settings.admin_email.strip().lower(), settings.admin_password, at)
        for name, key, scopes in keys:
            if key is not None:
                await _key(tx, name, key, scopes, settings.api_key_pepper.get_secret_value(), at)


async def _admin(tx: Transaction, email: str, password: SecretStr, at: datetime) -> None:
    if await queries.staff_by_email(tx, email) is not None:
        return
    password_hash = await Passwords().hash(password.get_secret_value())
    id_ = uuid7()
    if await queries.insert_staff(
        tx, id_=id_, email=email, name="Admin", roles=["admin"], password_hash=password_hash, at=at
    ):
        await audit.record(tx, at=at, actor=ACTOR, action="staff.added", subject=str(id_), detail={"roles": ["admin"]})
        log.info("bootstrap.admin_added")


async def _key(tx: Transaction, name: str, key: SecretStr, scopes: frozenset[str], pepper: str, at: datetime) -> None:
    parts = key_format.parse(key.get_secret_value())
    if parts is None:
        raise UnusableBootstrap(f"GATEWAY_{name.upper()}_API_KEY is not of the form mk_<id>_<secret>")
    secret_digest = key_format.digest(parts.secret, pepper)
    known = await queries.key_by_id(tx, parts.id)
    if known is not None:
        if bytes(known.secret_digest) != secret_digest and known.revoked_at is None:
            await queries.replace_digest(tx, parts.id, secret_digest)
            await audit.record(tx, at=at, actor=ACTOR, action="api_key.replaced", subject=parts.id)
        return
    inserted = await queries.insert_key(
        tx,
        id_=parts.id,
        name=name,
        scopes=sorted(scopes),
        secret_digest=secret_digest,
        created_by=ACTOR,
        at=at,
        expires_at=None,
    )
    if not inserted:
        raise UnusableBootstrap(f"GATEWAY_{name.upper()}_API_KEY: two keys named {name} are active, revoke one first")
    await audit.record(
        tx, at=at, actor=ACTOR, action="api_key.issued", subject=parts.id, detail={"scopes": sorted(scopes)}
    )
    log.info("bootstrap.key_added", name=name)
