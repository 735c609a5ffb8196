"""`Idempotency-Key`: the same command twice has one effect, and the second caller gets the first answer.

The key's row is the first statement of the effect's transaction: whoever comes second waits on it, and sees the
answer when the first has committed, or becomes the first when it has rolled back. A refusal rolls the row back
with the effect, so a later try runs again.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Final, TypeVar, cast

from fastapi import Depends, Header
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import Response

from moat.kit.auth.doors import caller_of
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.problems import Conflict, FieldError, Invalid
from moat.kit.web.failures import sqlstate_of
from moat.kit.web.rendering import Replayed, template_of

KEPT_HOURS: Final = 48
KEY_CHARACTERS_MAX: Final = 255
LOCK_NOT_AVAILABLE: Final = "55P03"

T = TypeVar("T")

_CLAIM: Final = """
INSERT INTO idempotency (principal, route, key, fingerprint) VALUES (:principal, :route, :key, :fingerprint)
ON CONFLICT DO NOTHING RETURNING true"""
_ANSWERED: Final = """
SELECT fingerprint, status, headers, body FROM idempotency
WHERE principal = :principal AND route = :route AND key = :key"""
_KEEP: Final = """
UPDATE idempotency SET status = :status, headers = CAST(:headers AS jsonb), body = :body
WHERE principal = :principal AND route = :route AND key = :key"""
_PRUNE: Final = """
DELETE FROM idempotency WHERE ctid = ANY (ARRAY (
  SELECT ctid FROM idempotency WHERE created_at < now() - make_interval(hours => :hours) LIMIT 2000))"""


class KeyReused(Invalid):
    """The same key came with another body."""

    code, title = "idempotency.key-reused", "This Idempotency-Key was used for another request"


class StillRunning(Conflict):
    """The first request with this key has not finished."""

    code, title = "idempotency.still-running", "The first request with this Idempotency-Key is still running"


class OnceGuard:
    """Runs a command once per key; without a key it just runs."""

    def __init__(self, request: Request, db: Database, key: str | None) -> None:
        self._request = request
        self._db = db
        self._key = key
        self._answered = False
        self._row: dict[str, object] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The effect's transaction. A repeat is answered before the block runs.

        Raises KeyReused, and StillRunning when the first caller's transaction lasts longer than the lock timeout.
        """
        async with self._db.transaction() as tx:
            if self._key is not None:
                await self._claim(tx, self._key)
            yield tx
            if self._key is not None and not self._answered:
                raise RuntimeError("the block ended without `return await once.answer(tx, …)`")

    async def answer(
        self, tx: Transaction, out: T, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> T:
        """Keep the answer beside the effect and give it back, finished.

        `out` is what the endpoint's signature promises. What is returned is the response made of it, so that first
        answer and replay are the same bytes; it is typed as `out` so that the signature stays the model's.
        """
        body = to_json(out)
        response = Response(body, status, dict(headers or {}), media_type="application/json")
        if self._key is not None:
            self._answered = True
            names = {key: self._row[key] for key in ("principal", "route", "key")}
            kept = json.dumps(dict(headers or {}))
            await tx.execute(_KEEP, status=status, headers=kept, body=body, **names)
        return cast(T, response)

    async def _claim(self, tx: Transaction, key: str) -> None:
        scope, caller = self._request.scope, caller_of(self._request)
        self._row = {
            "principal": caller.principal if caller else "anonymous",
            "route": f"{scope['method']} {template_of(scope)}",
            "key": key,
        }
        fingerprint = await fingerprint_of(self._request)
        try:
            claimed = await tx.scalar(_CLAIM, fingerprint=fingerprint, **self._row)
        except DBAPIError as error:
            if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
                raise StillRunning(retry_after_seconds=1) from None
            raise
        if claimed:
            return
        before = await tx.one(_ANSWERED, **self._row)
        if bytes(before.fingerprint) != fingerprint:
            raise KeyReused(errors=[FieldError("#/header/idempotency-key", "was used for another request")])
        headers: dict[str, str] = {**(before.headers or {}), "Idempotent-Replayed": "true"}
        raise Replayed(Response(bytes(before.body), before.status, headers, media_type="application/json"))


async def fingerprint_of(request: Request) -> bytes:
    """SHA-256 over the path, the query and the body: what makes two requests the same command."""
    scope = request.scope
    digest = hashlib.sha256()
    for part in (scope["path"].encode("utf-8", "surrogateescape"), scope["query_string"], await request.body()):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def once_guard(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=KEY_CHARACTERS_MAX,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes the command safe to repeat for 48 hours: one effect, one answer",
        ),
    ] = None,
) -> OnceGuard:
    """The guard of one request."""
    db: Database = request.scope["app"].state.process.db
    return OnceGuard(request, db, idempotency_key)


Once = Annotated[OnceGuard, Depends(once_guard)]


async def prune_answers(db: Database) -> int:
    """Forget answers older than 48 hours, in slices; returns how many."""
    pruned = 0
    while True:
        async with db.transaction() as tx:
            rows = int((await tx.execute(_PRUNE, hours=KEPT_HOURS)).rowcount)
        pruned += rows
        if rows < 2000:
            return pruned
