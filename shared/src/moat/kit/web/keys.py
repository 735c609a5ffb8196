"""Idempotency keys in SQL, those of one command or of many that share a transaction: one statement for all of them.

A key's row is claimed by the first statement of the effect's transaction: whoever comes second waits on it, and sees
the answer when the first has committed, or becomes the first when it has rolled back.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from moat.kit.db.transaction import Transaction
from moat.kit.problems import Conflict, FieldError, Invalid
from moat.kit.web.failures import sqlstate_of
from moat.kit.web.rendering import Replayed

LOCK_NOT_AVAILABLE: Final = "55P03"

# In order, so that two batches wait for each other and never in a circle.
_CLAIM: Final = """
INSERT INTO idempotency (principal, route, key, fingerprint)
SELECT * FROM unnest(CAST(:principals AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]),
                     CAST(:fingerprints AS bytea[])) AS c (principal, route, key, fingerprint)
ORDER BY principal COLLATE "C", route COLLATE "C", key COLLATE "C"
ON CONFLICT DO NOTHING RETURNING principal, route, key
"""
_ANSWERED: Final = """
SELECT principal, route, key, fingerprint, status, headers, body FROM idempotency
WHERE (principal, route, key) IN (
  SELECT * FROM unnest(CAST(:principals AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[])))
"""
_KEEP: Final = """
UPDATE idempotency i SET status = k.status, headers = k.headers, body = k.body
FROM unnest(CAST(:principals AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]), CAST(:statuses AS integer[]),
            CAST(:headers AS jsonb[]), CAST(:bodies AS bytea[])) AS k (principal, route, key, status, headers, body)
WHERE i.principal = k.principal AND i.route = k.route AND i.key = k.key
"""
_GIVE_BACK: Final = """
DELETE FROM idempotency WHERE (principal, route, key) IN (
  SELECT * FROM unnest(CAST(:principals AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[])))
"""

Name = tuple[str, str, str]
"""Principal, route template and key: what a claim is known by."""


class KeyReused(Invalid):
    """The same key came with another body."""

    code, title = "idempotency.key-reused", "This Idempotency-Key was used for another request"


class StillRunning(Conflict):
    """The first request with this key has not finished."""

    code, title = "idempotency.still-running", "The first request with this Idempotency-Key is still running"


class Claim(NamedTuple):
    """A key that a command came with; fingerprint: SHA-256 of what makes two requests the same command."""

    principal: str
    route: str
    key: str
    fingerprint: bytes

    @property
    def name(self) -> Name:
        """Whose key it is, and for what."""
        return self.principal, self.route, self.key


async def claim(tx: Transaction, claims: Sequence[Claim]) -> dict[Name, Replayed | KeyReused]:
    """Claim keys; for each that was claimed before what its caller is told. No two of one name.

    Raises StillRunning when the only one is claimed by a transaction that lasts longer than the lock timeout.
    """
    if not claims:
        return {}
    try:
        mine = await tx.all(_CLAIM, **_names(claims), fingerprints=[one.fingerprint for one in claims])
    except DBAPIError as error:
        if len(claims) == 1 and sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise StillRunning(retry_after_seconds=1) from None
        raise
    if len(mine) == len(claims):
        return {}
    new = {tuple(row) for row in mine}
    others = {one.name: one for one in claims if one.name not in new}
    rows = await tx.all(_ANSWERED, **_names(list(others.values())))
    told = {(row.principal, row.route, row.key): row for row in rows}
    return {name: _told(told[name], one) for name, one in others.items()}


def _told(before: Any, again: Claim) -> Replayed | KeyReused:
    if bytes(before.fingerprint) != again.fingerprint:
        return KeyReused(errors=[FieldError("#/header/idempotency-key", "was used for another request")])
    headers: dict[str, str] = {**(before.headers or {}), "Idempotent-Replayed": "true"}
    return Replayed(Response(bytes(before.body), before.status, headers, media_type="application/json"))


async def keep(tx: Transaction, answers: Sequence[tuple[Claim, int, Mapping[str, str], bytes]]) -> None:
    """Keep answers (status, headers, body) beside their effects."""
    if answers:
        await tx.execute(
            _KEEP,
            **_names([claim for claim, *_ in answers]),
            statuses=[status for _, status, _, _ in answers],
            headers=[json.dumps(dict(headers)) for _, _, headers, _ in answers],
            bodies=[body for *_, body in answers],
        )


async def give_back(tx: Transaction, claims: Sequence[Claim]) -> None:
    """Forget claims of this transaction that came to nothing, so that a later try runs again."""
    if claims:
        await tx.execute(_GIVE_BACK, **_names(claims))


def _names(claims: Sequence[Claim]) -> dict[str, list[str]]:
    return {
        "principals": [one.principal for one in claims],
        "routes": [one.route for one in claims],
        "keys": [one.key for one in claims],
    }
