"""Pools and codes in SQL: a million codes are made in slices, each one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from moat.kit.db.transaction import Transaction

_ADD_POOL = """
INSERT INTO coupon_pool (id, created_at, ready_at, wanted, made, uses, version, coupon, kind, name, prefix, author)
VALUES (:id, :at, CASE WHEN CAST(:wanted AS bigint) > 0 THEN NULL ELSE CAST(:at AS timestamptz) END,
        :wanted, 0, 0, :version, :coupon, :kind, :name, :prefix, :author)
ON CONFLICT (coupon, version) WHERE kind = 'personal' DO NOTHING
"""
_POOLS = """
SELECT id, created_at, ready_at, withdrawn_at, wanted, made, uses, version, coupon, kind, name, prefix, author
FROM coupon_pool
WHERE (CAST(:coupon AS text) IS NULL OR coupon = :coupon)
  AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""
_POOLS_BY_ID = """
SELECT id, created_at, ready_at, withdrawn_at, wanted, made, uses, version, coupon, kind, name, prefix, author
FROM coupon_pool WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id
"""
_LOCK_POOLS = "SELECT FROM coupon_pool WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
_PERSONAL = """
SELECT coupon, version, id FROM coupon_pool WHERE kind = 'personal'
AND (coupon, version) IN (SELECT * FROM unnest(CAST(:coupons AS text[]), CAST(:versions AS int[])))
"""
_WITHDRAW_UNUSED = """
UPDATE coupon_code SET withdrawn_at = coalesce(withdrawn_at, :at) WHERE id = :id AND uses = 0 RETURNING true
"""
_ADD_CODES = """
INSERT INTO coupon_code (id, pool_id, expires_at, uses, code)
SELECT id, :pool_id, :expires_at, 0, code FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[])) AS c (id, code)
ORDER BY code ON CONFLICT DO NOTHING RETURNING code
"""
_MADE = """
UPDATE coupon_pool SET made = made + :made, wanted = greatest(wanted, made + :made),
  ready_at = CASE WHEN made + :made >= wanted THEN CAST(:at AS timestamptz) END
WHERE id = :id
"""
_WITHDRAW_POOL = "UPDATE coupon_pool SET withdrawn_at = coalesce(withdrawn_at, :at) WHERE id = :id"
_WITHDRAW_CODE = "UPDATE coupon_code SET withdrawn_at = coalesce(withdrawn_at, :at) WHERE id = :id"
_CODES = """
SELECT c.id, c.code, c.customer_id, c.issued_at, c.expires_at, least(c.withdrawn_at, p.withdrawn_at) AS withdrawn_at,
       c.uses, p.coupon, p.version, p.id AS pool_id
FROM coupon_code c JOIN coupon_pool p ON p.id = c.pool_id
WHERE c.pool_id = :pool_id AND (CAST(:after AS uuid) IS NULL OR c.id > CAST(:after AS uuid)) ORDER BY c.id LIMIT :limit
"""
_CODE = """
SELECT c.id, c.code, c.customer_id, c.issued_at, c.expires_at, least(c.withdrawn_at, p.withdrawn_at) AS withdrawn_at,
       c.uses, p.coupon, p.version, p.id AS pool_id
FROM coupon_code c JOIN coupon_pool p ON p.id = c.pool_id WHERE c.id = :id
"""
_OF_CUSTOMER = """
SELECT c.id, c.code, c.customer_id, c.issued_at, c.expires_at, least(c.withdrawn_at, p.withdrawn_at) AS withdrawn_at,
       c.uses, p.coupon, p.version, p.id AS pool_id
FROM coupon_code c JOIN coupon_pool p ON p.id = c.pool_id
WHERE c.customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR c.id < CAST(:after AS uuid))
ORDER BY c.id DESC LIMIT :limit
"""
_ISSUE = """
INSERT INTO coupon_code (id, pool_id, customer_id, issued_at, expires_at, uses, code, issue_key)
SELECT id, pool_id, customer_id, at, expires_at, 0, code, issue_key
FROM unnest(CAST(:ids AS uuid[]), CAST(:pools AS uuid[]), CAST(:customers AS uuid[]), CAST(:at AS timestamptz[]),
            CAST(:expires AS timestamptz[]), CAST(:codes AS text[]), CAST(:keys AS text[]))
  AS i (id, pool_id, customer_id, at, expires_at, code, issue_key)
ORDER BY issue_key ON CONFLICT DO NOTHING RETURNING id, code, issue_key
"""
_TAKE = """
UPDATE coupon_code c SET customer_id = :customer_id, issued_at = :at, expires_at = :expires_at, issue_key = :key
WHERE id = (
  SELECT id FROM coupon_code WHERE pool_id = :pool_id AND customer_id IS NULL AND uses = 0 AND withdrawn_at IS NULL
  AND (expires_at IS NULL OR expires_at > :at) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, code, issue_key
"""
_ISSUED = """
SELECT id, code, issue_key FROM coupon_code WHERE issue_key = ANY(CAST(:keys AS text[]))
"""
_MOVE = """
UPDATE coupon_code c SET customer_id = m.to_id, origin_id = coalesce(c.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS m (from_id, to_id) WHERE c.customer_id = m.from_id
"""


class NewCode(NamedTuple):
    """A code for one customer, made for `key`: the same key makes one code."""

    id: UUID
    pool_id: UUID
    customer_id: UUID
    at: datetime
    expires_at: datetime | None
    code: str
    key: str


async def add_pool(
    tx: Transaction,
    *,
    id_: UUID,
    at: datetime,
    wanted: int,
    coupon: str,
    version: int,
    kind: str,
    name: str,
    prefix: str,
    author: str,
) -> None:
    """A pool without codes yet; a second personal one of a version is left out."""
    await tx.execute(
        _ADD_POOL,
        id=id_,
        at=at,
        wanted=wanted,
        coupon=coupon,
        version=version,
        kind=kind,
        name=name,
        prefix=prefix,
        author=author,
    )


async def pools(tx: Transaction, coupon: str | None, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Pools, newest first, before the pool `after`."""
    return await tx.all(_POOLS, coupon=coupon, after=after, limit=limit)


async def pools_by_id(tx: Transaction, ids: Sequence[UUID], *, lock: bool = False) -> Sequence[Row[Any]]:
    """These pools, by id; locked in that order."""
    if lock:
        await lock_pools(tx, ids)
    return await tx.all(_POOLS_BY_ID, ids=list(ids))


async def lock_pools(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Hold others off these pools, in id order."""
    await tx.execute(_LOCK_POOLS, ids=list(ids))


async def personal_pools(tx: Transaction, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], UUID]:
    """The pools of personal codes, by coupon and version."""
    rows = await tx.all(_PERSONAL, coupons=[code for code, _ in wanted], versions=[version for _, version in wanted])
    return {(row.coupon, row.version): row.id for row in rows}


async def add_codes(
    tx: Transaction, pool_id: UUID, ids: Sequence[UUID], codes: Sequence[str], expires_at: datetime | None
) -> set[str]:
    """Store codes that are nobody's yet; returns those that were new anywhere."""
    rows = await tx.execute(_ADD_CODES, pool_id=pool_id, ids=list(ids), codes=list(codes), expires_at=expires_at)
    return set(rows.scalars())


async def made(tx: Transaction, pool_id: UUID, count: int, *, at: datetime) -> None:
    """So many codes more are there; a pool that has all it wanted is ready."""
    await tx.execute(_MADE, id=pool_id, made=count, at=at)


async def withdraw_pool(tx: Transaction, pool_id: UUID, *, at: datetime) -> None:
    """None of its codes may be used from now on."""
    await tx.execute(_WITHDRAW_POOL, id=pool_id, at=at)


async def withdraw_code(tx: Transaction, code_id: UUID, *, at: datetime) -> None:
    """It may not be used from now on."""
    await tx.execute(_WITHDRAW_CODE, id=code_id, at=at)


async def withdraw_unused(tx: Transaction, code_id: UUID, *, at: datetime) -> bool:
    """It may not be used from now on, if it was not; False if it was."""
    return bool(await tx.scalar(_WITHDRAW_UNUSED, id=code_id, at=at))


async def codes_of_pool(tx: Transaction, pool_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Its codes in the order they were made, after the code `after`."""
    return await tx.all(_CODES, pool_id=pool_id, after=after, limit=limit)


async def codes_of_customer(
    tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """A customer's own codes, newest first, before the code `after`."""
    return await tx.all(_OF_CUSTOMER, customer_id=customer_id, after=after, limit=limit)


async def code(tx: Transaction, code_id: UUID) -> Row[Any] | None:
    """One code with its coupon."""
    return await tx.first(_CODE, id=code_id)


async def issue(tx: Transaction, codes: Sequence[NewCode]) -> dict[str, tuple[UUID, str]]:
    """Store codes of customers; by key the id and text of those that were stored (a key there is already stays)."""
    rows: Sequence[Any] = await tx.all(
        _ISSUE,
        ids=[one.id for one in codes],
        pools=[one.pool_id for one in codes],
        customers=[one.customer_id for one in codes],
        at=[one.at for one in codes],
        expires=[one.expires_at for one in codes],
        codes=[one.code for one in codes],
        keys=[one.key for one in codes],
    )
    return {row.issue_key: (row.id, row.code) for row in rows}


async def take(
    tx: Transaction, pool_id: UUID, customer_id: UUID, *, at: datetime, expires_at: datetime | None, key: str
) -> Row[Any] | None:
    """Give a customer one code of a pool that is nobody's and unused; None when there is none."""
    return await tx.first(_TAKE, pool_id=pool_id, customer_id=customer_id, at=at, expires_at=expires_at, key=key)


async def issued(tx: Transaction, keys: Sequence[str]) -> Mapping[str, tuple[UUID, str]]:
    """By key the id and text of codes that were issued for it."""
    rows = await tx.all(_ISSUED, keys=list(keys))
    return {row.issue_key: (row.id, row.code) for row in rows}


async def move(tx: Transaction, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """Codes of customers who were merged away become the survivors'."""
    await tx.execute(_MOVE, from_ids=[from_id for from_id, _ in merges], to_ids=[to_id for _, to_id in merges])
