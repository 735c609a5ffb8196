"""`Idempotency-Key`: the same command twice has one effect, and the second caller gets the first answer.

The key's row is the first statement of the effect's transaction (`moat.kit.web.keys`). A refusal rolls the row back
with the effect, so a later try runs again.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Header
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from moat.kit.auth.doors import caller_of
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.process import Process
from moat.kit.web import keys
from moat.kit.web.keys import Claim
from moat.kit.web.rendering import template_of
from moat.kit.web.together import Gathering, Member, Run

KEPT_HOURS: Final = 48
KEY_CHARACTERS_MAX: Final = 255

C = TypeVar("C")
T = TypeVar("T")

_PRUNE: Final = """
DELETE FROM idempotency WHERE ctid = ANY (ARRAY (
  SELECT ctid FROM idempotency WHERE created_at < now() - make_interval(hours => :hours) LIMIT 2000))"""


class OnceGuard:
    """Runs a command once per key; without a key it just runs."""

    def __init__(self, request: Request, process: Process, key: str | None) -> None:
        self._request = request
        self._process = process
        self._key = key
        self._claimed: Claim | None = None
        self._answered = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The effect's transaction. A repeat is answered before the block runs.

        Raises KeyReused, and StillRunning when the first caller's transaction lasts longer than the lock timeout.
        """
        self._claimed = await self._claim()
        async with self._process.db.transaction() as tx:
            if self._claimed is not None:
                told = await keys.claim(tx, [self._claimed])
                if told:
                    raise told[self._claimed.name]
            yield tx
            if self._claimed is not None and not self._answered:
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
        if self._claimed is not None:
            self._answered = True
            await keys.keep(tx, [(self._claimed, status, headers or {}, body)])
        return cast(T, response)

    async def together(self, run: Run[C, T], command: C, *, about: UUID, status: int = 200) -> T:
        """Do the command in one transaction with others of its kind that arrive at the same time (ADR 0036).

        `run` is the use case over many of them, `about` the customer: no two about one share a transaction. Returns as
        `answer` does, and raises what `transaction` raises, or what this one was refused with.
        """
        gatherings: dict[Run[Any, Any], Gathering[Any, Any]] = self._request.scope["app"].state.gatherings
        gathering = gatherings.get(run)
        if gathering is None:
            gathering = gatherings[run] = Gathering(self._process.db, self._process.clock, run)
        return cast(T, await gathering.take(Member(command, about, await self._claim(), status)))

    async def _claim(self) -> Claim | None:
        if self._key is None:
            return None
        scope, caller = self._request.scope, caller_of(self._request)
        principal = caller.principal if caller else "anonymous"
        return Claim(
            principal, f"{scope['method']} {template_of(scope)}", self._key, await fingerprint_of(self._request)
        )


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
    return OnceGuard(request, request.scope["app"].state.process, idempotency_key)


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
