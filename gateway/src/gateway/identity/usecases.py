"""What identity does, inside the transaction it is given; every change leaves its line in the audit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from gateway.identity import key_format, queries
from gateway.identity.problems import BeyondOwnRights, EmailTaken, LastAdmin, TwoActiveKeys, UnknownApiKey, UnknownStaff
from gateway.identity.roles import scopes_of
from moat.kit import audit
from moat.kit.auth import Caller
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, Invalid, PreconditionFailed


@dataclass(frozen=True, slots=True)
class StaffChange:
    """The fields to change; None stays as it is."""

    name: str | None = None
    roles: Sequence[str] | None = None
    is_active: bool | None = None
    password_hash: str | None = None


async def hire(
    tx: Transaction, caller: Caller, *, email: str, name: str, roles: Iterable[str], password_hash: str, at: datetime
) -> Row[Any]:
    """A new member of staff. Raises EmailTaken, BeyondOwnRights."""
    roles = sorted(set(roles))
    _within_own_rights(caller, scopes_of(roles))
    id_ = uuid7()
    if not await queries.insert_staff(
        tx, id_=id_, email=email, name=name, roles=roles, password_hash=password_hash, at=at
    ):
        raise EmailTaken
    await audit.record(
        tx, at=at, actor=caller.principal, action="staff.added", subject=str(id_), detail={"roles": roles}
    )
    return await _staff(tx, id_)


async def change_staff(
    tx: Transaction, caller: Caller, id_: UUID, change: StaffChange, *, version: int, at: datetime
) -> Row[Any]:
    """Change a member of staff. Raises UnknownStaff, PreconditionFailed, LastAdmin, BeyondOwnRights."""
    # The admins are locked before the person, always in this order, so two changes cannot wait for each other.
    others = await queries.other_active_admins(tx, id_)
    row = await queries.staff_by_id(tx, id_, lock=True)
    if row is None:
        raise UnknownStaff
    if row.version != version:
        raise PreconditionFailed
    roles = sorted(set(change.roles)) if change.roles is not None else list(row.roles)
    is_active = row.is_active if change.is_active is None else change.is_active
    # Taking over a stronger person's password would be a way to his rights.
    _within_own_rights(caller, scopes_of(roles) | scopes_of(row.roles))
    if "admin" in row.roles and row.is_active and not ("admin" in roles and is_active) and others == 0:
        raise LastAdmin
    ends_tokens = roles != sorted(row.roles) or is_active != row.is_active or change.password_hash is not None
    await queries.update_staff(
        tx,
        id_,
        name=row.name if change.name is None else change.name,
        roles=roles,
        is_active=is_active,
        password_hash=change.password_hash,
        ends_tokens=ends_tokens,
        at=at,
    )
    detail = {"roles": roles, "is_active": is_active, "password": change.password_hash is not None}
    await audit.record(tx, at=at, actor=caller.principal, action="staff.changed", subject=str(id_), detail=detail)
    return await _staff(tx, id_)


async def issue_key(
    tx: Transaction,
    caller: Caller,
    parts: key_format.KeyParts,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    pepper: str,
    at: datetime,
) -> Row[Any]:
    """A new API key. Raises TwoActiveKeys, BeyondOwnRights, Invalid for an expiry in the past."""
    scopes = sorted(set(scopes))
    _within_own_rights(caller, frozenset(scopes))
    if expires_at is not None and expires_at <= at:
        raise Invalid(errors=[FieldError("/expires_at", "lies in the past")])
    await queries.free_expired_slots(tx, name, at)
    inserted = await queries.insert_key(
        tx,
        id_=parts.id,
        name=name,
        scopes=scopes,
        secret_digest=key_format.digest(parts.secret, pepper),
        created_by=caller.principal,
        at=at,
        expires_at=expires_at,
    )
    if not inserted:
        raise TwoActiveKeys
    await audit.record(
        tx, at=at, actor=caller.principal, action="api_key.issued", subject=parts.id, detail={"scopes": scopes}
    )
    row = await queries.key_by_id(tx, parts.id)
    assert row is not None
    return row


async def revoke_key(tx: Transaction, caller: Caller, id_: str, *, at: datetime) -> None:
    """End a key; a second time changes nothing. Raises UnknownApiKey."""
    if await queries.revoke_key(tx, id_, at):
        await audit.record(tx, at=at, actor=caller.principal, action="api_key.revoked", subject=id_)
    elif await queries.key_by_id(tx, id_) is None:
        raise UnknownApiKey


async def _staff(tx: Transaction, id_: UUID) -> Row[Any]:
    row = await queries.staff_by_id(tx, id_)
    assert row is not None
    return row


def _within_own_rights(caller: Caller, given: frozenset[str]) -> None:
    if not given <= caller.scopes:
        raise BeyondOwnRights(scopes=sorted(given - caller.scopes))
