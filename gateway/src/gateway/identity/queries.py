"""All SQL about staff and API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from moat.kit.db.transaction import Transaction

_STAFF = "id, email, name, roles, is_active, token_version, version, created_at, updated_at"
_KEY = "id, name, scopes, created_by, created_at, expires_at, revoked_at"


async def staff_by_email(tx: Transaction, email: str) -> Row[Any] | None:
    """With the password hash."""
    return await tx.first(f"SELECT {_STAFF}, password_hash FROM staff WHERE email = :email", email=email)  # noqa: S608


async def staff_by_id(tx: Transaction, id_: UUID, *, lock: bool = False) -> Row[Any] | None:
    """One member of staff."""
    tail = " FOR UPDATE" if lock else ""
    return await tx.first(f"SELECT {_STAFF} FROM staff WHERE id = :id{tail}", id=id_)  # noqa: S608


async def staff_page(tx: Transaction, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """By id, that is by the time they were made; `limit` and one more."""
    return await tx.all(
        f"SELECT {_STAFF} FROM staff WHERE CAST(:after AS uuid) IS NULL OR id > :after ORDER BY id LIMIT :limit",  # noqa: S608
        after=after,
        limit=limit + 1,
    )


async def insert_staff(
    tx: Transaction, *, id_: UUID, email: str, name: str, roles: list[str], password_hash: str, at: datetime
) -> bool:
    """Whether it was new; an e-mail address belongs to one person."""
    inserted = await tx.execute(
        """
        INSERT INTO staff (id, email, name, roles, password_hash, is_active, token_version, version,
                           created_at, updated_at)
        VALUES (:id, :email, :name, CAST(:roles AS text[]), :password_hash, true, 1, 1, :at, :at)
        ON CONFLICT (email) DO NOTHING
        """,
        id=id_,
        email=email,
        name=name,
        roles=roles,
        password_hash=password_hash,
        at=at,
    )
    return inserted.rowcount == 1


async def update_staff(
    tx: Transaction,
    id_: UUID,
    *,
    name: str,
    roles: list[str],
    is_active: bool,
    password_hash: str | None,
    ends_tokens: bool,
    at: datetime,
) -> None:
    """Write the new state; `ends_tokens` makes every token that is out worthless."""
    await tx.execute(
        """
        UPDATE staff SET name = :name, roles = CAST(:roles AS text[]), is_active = :is_active,
          password_hash = coalesce(:password_hash, password_hash),
          token_version = token_version + CAST(:ends_tokens AS int), version = version + 1, updated_at = :at
        WHERE id = :id
        """,
        id=id_,
        name=name,
        roles=roles,
        is_active=is_active,
        password_hash=password_hash,
        ends_tokens=int(ends_tokens),
        at=at,
    )


async def other_active_admins(tx: Transaction, id_: UUID) -> int:
    """How many admins can still sign in besides this one; their rows are locked, so two cannot leave at once."""
    rows = await tx.all("SELECT id FROM staff WHERE 'admin' = ANY(roles) AND is_active ORDER BY id FOR UPDATE")
    return sum(1 for row in rows if row.id != id_)


async def key_by_id(tx: Transaction, id_: str) -> Row[Any] | None:
    """With the digest."""
    return await tx.first(f"SELECT {_KEY}, secret_digest FROM api_key WHERE id = :id", id=id_)  # noqa: S608


async def key_page(tx: Transaction, after: tuple[datetime, str] | None, limit: int) -> Sequence[Row[Any]]:
    """Oldest first; `limit` and one more."""
    return await tx.all(
        f"""
        SELECT {_KEY} FROM api_key
        WHERE CAST(:at AS timestamptz) IS NULL OR (created_at, id) > (:at, :id)
        ORDER BY created_at, id LIMIT :limit
        """,  # noqa: S608
        at=after[0] if after else None,
        id=after[1] if after else "",
        limit=limit + 1,
    )


async def free_expired_slots(tx: Transaction, name: str, at: datetime) -> None:
    """An expired key no longer counts as active."""
    await tx.execute("UPDATE api_key SET slot = NULL WHERE name = :name AND expires_at <= :at", name=name, at=at)


async def insert_key(
    tx: Transaction,
    *,
    id_: str,
    name: str,
    scopes: list[str],
    secret_digest: bytes,
    created_by: str,
    at: datetime,
    expires_at: datetime | None,
) -> bool:
    """Take a free slot of the name; False when both are taken (or the id exists)."""
    inserted = await tx.execute(
        """
        INSERT INTO api_key (id, name, scopes, secret_digest, slot, created_by, created_at, expires_at)
        SELECT CAST(:id AS text), CAST(:name AS text), CAST(:scopes AS text[]), CAST(:secret_digest AS bytea),
               free.slot, CAST(:created_by AS text), CAST(:at AS timestamptz), CAST(:expires_at AS timestamptz)
        FROM (SELECT s AS slot FROM generate_series(1, 2) s
              WHERE NOT EXISTS (SELECT 1 FROM api_key k WHERE k.name = :name AND k.slot = s) ORDER BY s LIMIT 1) free
        ON CONFLICT DO NOTHING
        """,
        id=id_,
        name=name,
        scopes=scopes,
        secret_digest=secret_digest,
        created_by=created_by,
        at=at,
        expires_at=expires_at,
    )
    return inserted.rowcount == 1


async def revoke_key(tx: Transaction, id_: str, at: datetime) -> bool:
    """Whether it was active until now."""
    revoked = await tx.execute(
        "UPDATE api_key SET revoked_at = :at, slot = NULL WHERE id = :id AND revoked_at IS NULL", id=id_, at=at
    )
    return revoked.rowcount == 1


async def replace_digest(tx: Transaction, id_: str, secret_digest: bytes) -> None:
    """The same key with another secret (a deployment that rotates, or another pepper)."""
    await tx.execute("UPDATE api_key SET secret_digest = :digest WHERE id = :id", id=id_, digest=secret_digest)
