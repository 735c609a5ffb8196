"""The audit of a service: append-only and hash-chained, written in the transaction of the change it tells of.

Each row's hash covers the row before it, so a removed or altered row shows.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from moat.kit.db.transaction import Transaction

LOCK_KEY: Final = 7305003
_LAST = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1"
_INSERT = """
INSERT INTO audit (at, actor, action, subject, detail, previous_hash, hash)
VALUES (:at, :actor, :action, :subject, CAST(:detail AS jsonb), :previous_hash, :hash)
"""
_CHAIN = """
SELECT id, at, actor, action, subject, detail, previous_hash, hash
FROM audit WHERE id > :after ORDER BY id LIMIT 1000
"""


def link(previous: bytes, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> bytes:
    """SHA-256 over the previous hash and the canonical JSON of the row."""
    row = json.dumps([at.isoformat(), actor, action, subject, dict(detail)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(previous + row.encode()).digest()


async def record(
    tx: Transaction, *, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add one row. `detail` holds ids and codes, no personal data and no secrets."""
    facts = dict(detail or {})
    await tx.execute("SELECT pg_advisory_xact_lock(:key)", key=LOCK_KEY)
    previous: bytes = await tx.scalar(_LAST) or b""
    await tx.execute(
        _INSERT,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=json.dumps(facts, sort_keys=True, ensure_ascii=False),
        previous_hash=previous,
        hash=link(previous, at, actor, action, subject, facts),
    )


async def first_broken(tx: Transaction) -> int | None:
    """The id of the first row that does not follow from the one before it; None when the chain holds."""
    previous, after = b"", 0
    while rows := await tx.all(_CHAIN, after=after):
        for row in rows:
            expected = link(previous, row.at, row.actor, row.action, row.subject, row.detail)
            if row.previous_hash != previous or row.hash != expected:
                return int(row.id)
            previous, after = row.hash, row.id
    return None
